mod bad_input;
mod changes;
mod killed;
#[cfg(target_os = "linux")]
mod other_postgres;
mod sample;
