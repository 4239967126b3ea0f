//! The binary of this project itself; that of a repo which adopted it looks the same.

fn main() -> std::process::ExitCode {
    xtask::run()
}
