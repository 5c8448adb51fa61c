//! Flags and environment to one checked configuration. The only module that reads the environment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::files::shown;

/// Where the webhook listens, unless somebody says otherwise.
const LISTEN: &str = "127.0.0.1:8080";
/// Bytes of a request body.
const BODY_BYTES: u64 = 1_048_576;
/// The most that an operator may set: all bodies that are being read share 64 MiB.
const BODY_BYTES_MAX: u64 = 16 * 1_024 * 1_024;
/// Seconds for the head of a request, and between two requests of one connection.
const IDLE_SECONDS: u64 = 30;
/// The longest that an operator may set: a place that nobody uses is one that nobody else has.
const IDLE_SECONDS_MAX: u64 = 3_600;
/// The folder of the policy.
const RULES: &str = "rules";
/// The file of the ledger.
const LEDGER: &str = "handover.redb";

/// What `serve` reads of the environment.
const NAMES: [&str; 12] = [
    "HANDOVER_BEHIND_PROXY",
    "HANDOVER_BODY_BYTES",
    "HANDOVER_DEV",
    "HANDOVER_IDLE",
    "HANDOVER_JWKS",
    "HANDOVER_LEDGER",
    "HANDOVER_LEDGER_KEY",
    "HANDOVER_LEDGER_KEY_FILE",
    "HANDOVER_LISTEN",
    "HANDOVER_RULES",
    "HANDOVER_SECRETS",
    "HANDOVER_SECRETS_FILE",
];

/// What the flags of `serve` say; what they leave open comes from the environment, then from the default.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--rules`
    pub rules: Option<PathBuf>,
    /// `--listen`
    pub listen: Option<String>,
    /// `--dev`
    pub dev: bool,
    /// `--body-bytes`
    pub body_bytes: Option<usize>,
    /// `--idle`
    pub idle: Option<u64>,
    /// `--behind-proxy`
    pub behind_proxy: bool,
    /// `--ledger`
    pub ledger: Option<String>,
    /// `--jwks`
    pub jwks: Option<String>,
}

/// Where secrets come from: those of callers, or the keys of the ledger.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretsFrom {
    /// A variable of the environment, its text.
    Environment(String),
    /// The file that a variable names.
    File(PathBuf),
}

/// Where the service remembers whose a hand-over is.
#[derive(Clone, PartialEq, Eq)]
pub enum LedgerChoice {
    /// `none`: nowhere.
    None,
    /// `memory`: until the process ends.
    Memory,
    /// `file:PATH`: in one file, for one process.
    File(PathBuf),
    /// `postgres://…`: in PostgreSQL, for replicas.
    Postgres(String),
}

impl LedgerChoice {
    fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "none" => Self::None,
            "memory" => Self::Memory,
            _ if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
                Self::Postgres(text.to_owned())
            }
            _ => match text.strip_prefix("file:").filter(|path| !path.is_empty() && !path.contains("://")) {
                Some(path) => Self::File(PathBuf::from(path)),
                // an address may hold a password
                None => bail!("`--ledger`, or HANDOVER_LEDGER, takes `memory`, `file:PATH`, `postgres://…` or `none`"),
            },
        })
    }
}

/// Shows no password: only a plain host and database.
impl std::fmt::Display for LedgerChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => write!(f, "none"),
            Self::Memory => write!(f, "memory"),
            Self::File(path) => write!(f, "file:{}", shown(path)),
            Self::Postgres(url) => {
                let address = url.split('?').next().unwrap_or_default();
                // a password may hold the sign that ends an address
                let hides = !address.contains('@') && url.contains('@');
                let address =
                    address.rsplit_once('@').or_else(|| address.split_once("//")).map_or("", |(_, host)| host);
                let is_plain = |one: char| one.is_ascii_alphanumeric() || "._-:/%[],".contains(one);
                let hides = hides || !address.chars().all(is_plain);
                write!(f, "postgres://{}", if hides { "…" } else { address })
            }
        }
    }
}

/// Shows no password.
impl std::fmt::Debug for LedgerChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// Shows no secret.
impl std::fmt::Debug for SecretsFrom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Environment(_) => write!(f, "environment"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What `serve` runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The folder of the policy.
    pub rules: PathBuf,
    /// Where the webhook listens.
    pub listen: SocketAddr,
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// For the head of a request, and between two requests of one connection.
    pub idle: Duration,
    /// Where the secrets of callers come from; none: `--dev` answers anybody.
    pub secrets: Option<SecretsFrom>,
    /// Whether a proxy in front of us ends TLS.
    pub behind_proxy: bool,
    /// Where the service remembers whose a hand-over is.
    pub ledger: LedgerChoice,
    /// Where the issuer's keys for session tokens are: a file or an https address.
    pub jwks: Option<String>,
    /// Whether `--dev` is set.
    pub dev: bool,
    /// Where the keys of the ledger come from; none: the ledger makes its own, where it can.
    pub ledger_keys: Option<SecretsFrom>,
}

impl Config {
    /// Checks flags and environment (`HANDOVER_<FLAG>`).
    ///
    /// # Errors
    /// What cannot run, and what to do about it.
    pub fn new(flags: Flags) -> Result<Self> {
        readable()?;
        Self::from(flags, |name| std::env::var(name).ok())
    }

    fn from(flags: Flags, environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let set = |name| environment(name).is_some_and(|value| value == "1" || value == "true");
        let dev = flags.dev || set("HANDOVER_DEV");
        let behind_proxy = flags.behind_proxy || set("HANDOVER_BEHIND_PROXY");
        let secrets = secrets_from(&environment, "HANDOVER_SECRETS", "HANDOVER_SECRETS_FILE")?;
        let (ledger, ledger_keys) = ledger_from(&flags, dev, &environment)?;
        let jwks = flags.jwks.or_else(|| environment("HANDOVER_JWKS")).filter(|jwks| !jwks.is_empty());
        let rules = flags.rules.or_else(|| environment("HANDOVER_RULES").map(PathBuf::from));
        let listen = flags.listen.or_else(|| environment("HANDOVER_LISTEN")).unwrap_or_else(|| LISTEN.to_owned());
        let listen: SocketAddr =
            listen.parse().with_context(|| format!("`{listen}` is not an address such as `{LISTEN}`"))?;
        let number = |flag: Option<u64>, name: &str, default: u64| match (flag, environment(name)) {
            (Some(number), _) => Ok(number),
            (None, Some(text)) => text.parse().with_context(|| format!("{name} is not a whole number")),
            (None, None) => Ok(default),
        };
        let body_bytes = number(flags.body_bytes.map(|bytes| bytes as u64), "HANDOVER_BODY_BYTES", BODY_BYTES)?;
        if !(1..=BODY_BYTES_MAX).contains(&body_bytes) {
            bail!("`--body-bytes` is {body_bytes}: it must be from 1 to {BODY_BYTES_MAX}");
        }
        let idle = number(flags.idle, "HANDOVER_IDLE", IDLE_SECONDS)?;
        if !(1..=IDLE_SECONDS_MAX).contains(&idle) {
            bail!("`--idle` is {idle} seconds: it must be from 1 to {IDLE_SECONDS_MAX}");
        }
        let idle = Duration::from_secs(idle);
        if secrets.is_none() && !dev {
            bail!(
                "no secret of the caller: set HANDOVER_SECRETS or HANDOVER_SECRETS_FILE to what the Action has as HANDOVER_SECRET, or try things out with `--dev`"
            );
        }
        if secrets.is_none() && !listen.ip().is_loopback() {
            bail!(
                "`--dev` without a secret answers anybody, so it listens on a loopback address only, not on `{listen}`"
            );
        }
        let body_bytes = usize::try_from(body_bytes).unwrap_or(usize::MAX);
        Ok(Self {
            rules: rules.unwrap_or_else(|| PathBuf::from(RULES)),
            listen,
            body_bytes,
            idle,
            secrets,
            behind_proxy,
            ledger,
            jwks,
            dev,
            ledger_keys,
        })
    }
}

/// The ledger that flags and environment name, and where its keys come from.
///
/// # Errors
/// No ledger has this name, or both variables of the keys are set.
pub fn ledger(flags: &Flags) -> Result<(LedgerChoice, Option<SecretsFrom>)> {
    readable()?;
    ledger_from(flags, false, &|name| std::env::var(name).ok())
}

fn ledger_from(
    flags: &Flags,
    dev: bool,
    environment: &impl Fn(&str) -> Option<String>,
) -> Result<(LedgerChoice, Option<SecretsFrom>)> {
    let ledger = match flags.ledger.clone().or_else(|| environment("HANDOVER_LEDGER")) {
        Some(text) => LedgerChoice::parse(&text)?,
        None if dev => LedgerChoice::Memory,
        None => LedgerChoice::File(PathBuf::from(LEDGER)),
    };
    Ok((ledger, secrets_from(environment, "HANDOVER_LEDGER_KEY", "HANDOVER_LEDGER_KEY_FILE")?))
}

/// A secret in one variable, or in the file that another one names.
fn secrets_from(
    environment: &impl Fn(&str) -> Option<String>,
    variable: &str,
    file: &str,
) -> Result<Option<SecretsFrom>> {
    Ok(match (environment(variable), environment(file)) {
        (Some(_), Some(_)) => bail!("both {variable} and {file} are set: unset one"),
        (Some(text), None) => Some(SecretsFrom::Environment(text)),
        (None, Some(path)) => Some(SecretsFrom::File(PathBuf::from(path))),
        (None, None) => None,
    })
}

fn readable() -> Result<()> {
    let unreadable = NAMES.iter().find(|name| std::env::var_os(name).is_some_and(|value| value.to_str().is_none()));
    if let Some(name) = unreadable {
        bail!("{name} is not UTF-8");
    }
    Ok(())
}

/// How long a debug build holds an answer after its claim: for tests that kill the server there.
#[must_use]
pub fn hold_after_claim() -> Option<Duration> {
    let millis = std::env::var("HANDOVER_TEST_HOLD_MS").ok().filter(|_| cfg!(debug_assertions))?;
    millis.parse().ok().map(Duration::from_millis)
}

/// The roots that the Action may show, where the environment has them as the Action's secret.
#[must_use]
pub fn roots() -> Option<String> {
    std::env::var("HANDOVER_ROOTS").ok()
}

/// The columns to print in: what the environment says, else what the terminal has, else 100.
#[must_use]
pub fn columns() -> usize {
    let named = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    named.or_else(terminal).filter(|columns| *columns >= 40).unwrap_or(100)
}

/// Whether the environment asks for no colour.
#[must_use]
pub fn colour_refused() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) || terminal_is_dumb()
}

/// Whether the terminal can only append.
#[must_use]
pub fn terminal_is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

#[cfg(test)]
mod tests {
    use super::{Config, Flags};

    #[track_caller]
    fn check(flags: Flags, environment: &[(&str, &str)], expected: Result<&str, &str>) {
        let look_up =
            |name: &str| environment.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        match (Config::from(flags, look_up), expected) {
            (Ok(config), Ok(listen)) => assert_eq!(config.listen.to_string(), listen),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (config, _) => panic!("{config:?}"),
        }
    }

    #[test]
    fn the_flag_wins_over_the_environment() {
        let flags = Flags { dev: true, listen: Some("127.0.0.1:1".into()), ..Flags::default() };
        check(flags, &[("HANDOVER_LISTEN", "127.0.0.1:2")], Ok("127.0.0.1:1"));
        check(Flags { dev: true, ..Flags::default() }, &[("HANDOVER_LISTEN", "127.0.0.1:2")], Ok("127.0.0.1:2"));
        check(Flags::default(), &[("HANDOVER_DEV", "1")], Ok("127.0.0.1:8080"));
    }

    #[test]
    fn nobody_is_answered_without_a_secret_but_in_development() {
        let public = || Flags { listen: Some("0.0.0.0:8080".into()), ..Flags::default() };
        let dev = |flags| Flags { dev: true, ..flags };
        let secret = [("HANDOVER_SECRETS", "whsec_")];
        check(Flags::default(), &[], Err("set HANDOVER_SECRETS or HANDOVER_SECRETS_FILE"));
        check(dev(public()), &[], Err("loopback"));
        check(Flags::default(), &secret, Ok("127.0.0.1:8080"));
        check(public(), &secret, Ok("0.0.0.0:8080"));
        check(dev(public()), &[("HANDOVER_SECRETS_FILE", "file")], Ok("0.0.0.0:8080"));
        check(Flags::default(), &[secret[0], ("HANDOVER_SECRETS_FILE", "file")], Err("unset one"));
    }

    #[test]
    fn a_body_has_a_byte_and_a_bound() {
        let body = |bytes| Flags { dev: true, body_bytes: Some(bytes), ..Flags::default() };
        check(body(16 * 1_024 * 1_024), &[], Ok("127.0.0.1:8080"));
        for bytes in [0, 16 * 1_024 * 1_024 + 1] {
            check(body(bytes), &[], Err("must be from 1 to 16777216"));
        }
    }

    #[test]
    fn an_idle_connection_is_kept_for_an_hour_at_most() {
        let idle = |idle| Flags { dev: true, idle: Some(idle), ..Flags::default() };
        for seconds in [1, 3_600] {
            check(idle(seconds), &[], Ok("127.0.0.1:8080"));
        }
        for seconds in [0, 3_601, u64::MAX] {
            check(idle(seconds), &[], Err("must be from 1 to 3600"));
        }
        check(Flags { dev: true, ..Flags::default() }, &[("HANDOVER_IDLE", "0")], Err("must be from 1 to 3600"));
    }

    #[test]
    fn a_configuration_shows_no_secret() {
        let config = Config::from(Flags::default(), |name| (name == "HANDOVER_SECRETS").then(|| "whsec_C2FV".into()));
        assert!(!format!("{config:?}").contains("C2FV"));
    }
}
