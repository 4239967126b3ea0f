//! The one place that reads the process environment, and the allow-list of what children may see of it.

use std::collections::BTreeMap;

use super::mark;

/// Names that a child needs to work at all; everything else must be asked for by a step.
const PASSED_ON: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "TMPDIR",
    "PNPM_HOME",
    "COREPACK_HOME",
    "TZ",
    "CI",
    "NO_COLOR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Prefixes of whole families: locale, and the settings of npm, bun and pip (registry, proxy, certificates).
const PASSED_ON_PREFIXES: &[&str] = &["LC_", "npm_config_", "NPM_CONFIG_", "BUN_", "PIP_"];

/// The value of an environment variable; absent, empty and not UTF-8 are the same here.
#[must_use]
pub fn var(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What a child sees of our environment when a step asks for nothing more, and the mark of the run that it works for.
#[must_use]
pub fn for_children() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| {
            PASSED_ON.contains(&name.as_str()) || PASSED_ON_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        })
        .chain(mark::environment())
        .collect()
}

/// The line in which the guard of a child (`actions/guard.cjs`) says that it kept it from a database.
#[must_use]
pub fn refused_session(stderr: &str) -> Option<&str> {
    stderr.lines().find(|line| line.starts_with("db-change: refused: "))
}
