//! `handover healthcheck`, `handover completions` and `handover schema`: what machines around it ask.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use super::output::{Status, print, say, usage};

/// Arguments of `healthcheck`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Where the server listens
    #[arg(default_value = "http://127.0.0.1:8080", value_name = "URL")]
    url: String,
}

/// How long a server may take to answer.
const WAIT: Duration = Duration::from_secs(2);

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    let address = arguments.url.strip_prefix("http://").ok_or_else(|| usage(anyhow!("a URL begins with `http://`")))?;
    let host = address.split('/').next().unwrap_or_default();
    match status_line(host) {
        Ok(line) if line.contains(" 200 ") => Ok(Status::Ok),
        Ok(line) => {
            say(&format!("not ready: {line}"));
            Ok(Status::Internal)
        }
        Err(error) => {
            say(&format!("not ready: {error:#}"));
            Ok(Status::Internal)
        }
    }
}

/// The first line of the answer to `GET /health/ready`.
fn status_line(host: &str) -> Result<String> {
    let named = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let mut stream = TcpStream::connect(&named).with_context(|| format!("nobody listens at {named}"))?;
    stream.set_read_timeout(Some(WAIT))?;
    stream.write_all(format!("GET /health/ready HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = [0; 256];
    let length = stream.read(&mut answer).context("no answer")?;
    let text = String::from_utf8_lossy(answer.get(..length).unwrap_or_default()).into_owned();
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Arguments of `completions`.
#[derive(clap::Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub(super) fn completions(arguments: &Completions, command: &mut clap::Command) -> Result<Status> {
    let mut out = Vec::new();
    clap_complete::generate(arguments.shell, command, "handover", &mut out);
    print(&out)?;
    Ok(Status::Ok)
}

/// Arguments of `schema`.
#[derive(clap::Args)]
pub(super) struct Schemas {
    /// What it describes
    #[arg(value_enum)]
    of: Described,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Described {
    /// `policy.json`
    Policy,
    /// A fixture
    Fixture,
    /// The body of `POST /v1/transfer`
    Request,
    /// Its answer
    Response,
}

pub(super) fn schema(arguments: &Schemas) -> Result<Status> {
    let text = match arguments.of {
        Described::Policy => include_str!("../../schemas/policy.schema.json"),
        Described::Fixture => include_str!("../../schemas/fixture.schema.json"),
        Described::Request => include_str!("../../schemas/request.schema.json"),
        Described::Response => include_str!("../../schemas/response.schema.json"),
    };
    print(text.as_bytes())?;
    Ok(Status::Ok)
}
