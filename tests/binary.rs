//! The built binary: run to its end, or serving.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Runs `handover` in the root of the workspace.
pub(crate) fn handover(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = piped(arguments);
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// Starts `handover` in the root of the workspace, with all its streams open.
pub(crate) fn piped(arguments: &[&str]) -> Child {
    let mut command = command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// `handover` in the root of the workspace, with nothing of ours in its environment.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handover"));
    command.args(arguments).current_dir(root()).env("NO_COLOR", "1");
    for name in ["HANDOVER_DEV", "HANDOVER_SECRETS", "HANDOVER_SECRETS_FILE", "HANDOVER_ROOTS"] {
        command.env_remove(name);
    }
    // a test that cares names another one
    command.env("HANDOVER_LEDGER", "memory");
    command
}

/// A file in the temporary folder of the tests. It is there whole or not at all: tests that run at once may write the same
/// one.
pub(crate) fn temporary(name: &str, text: &str) -> String {
    static WRITTEN: AtomicUsize = AtomicUsize::new(0);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let whole = folder.join(format!(".{}-{}", std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed)));
    std::fs::write(&whole, text).unwrap();
    std::fs::rename(&whole, &path).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A serving binary; it is stopped when dropped.
pub(crate) struct Server {
    child: Child,
    address: String,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// One answer of HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Server {
    /// Starts the shipped policy on a free port, for anybody.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(&[&["--dev", "--listen", "127.0.0.1:0"], arguments].concat(), &[])
    }

    /// Starts the shipped policy with these arguments and this environment.
    pub(crate) fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::run(arguments, environment).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same, or none where it refuses them.
    pub(crate) fn try_start(arguments: &[&str]) -> Option<Self> {
        Self::run(arguments, &[]).ok()
    }

    fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Self, String> {
        let mut command = command(&["serve"]);
        command.args(arguments).envs(environment.iter().copied());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        let line = serde_json::from_str(&first).unwrap_or(serde_json::Value::Null);
        let Some(address) = line["listen"].as_str().map(str::to_owned) else {
            drop(child.kill());
            drop(child.wait());
            return Err(first);
        };
        let log = Arc::new(Mutex::new(first));
        let shared = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
                shared.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        Ok(Self { child, address, log, reader: Some(reader) })
    }

    /// KiB of memory that the process has.
    pub(crate) fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).unwrap()
    }

    /// Sends a request as it is, and reads the answer to the end of the connection.
    pub(crate) fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        // a refused body is answered before it is read: the rest of the write may fail
        drop(stream.write_all(request));
        answer(&mut stream)
    }

    pub(crate) fn post(&self, body: &[u8]) -> Answer {
        self.post_with("content-type: application/json\r\n", body)
    }

    /// The answer, if there is still a server.
    pub(crate) fn try_post(&self, body: &[u8]) -> Option<Answer> {
        post_to(&self.address, body)
    }

    pub(crate) fn post_with(&self, fields: &str, body: &[u8]) -> Answer {
        let head = format!(
            "POST /v1/transfer HTTP/1.1\r\nhost: handover\r\nconnection: close\r\n{fields}content-length: {}\r\n\r\n",
            body.len()
        );
        self.raw(&[head.as_bytes(), body].concat())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.raw(format!("GET {path} HTTP/1.1\r\nhost: handover\r\nconnection: close\r\n\r\n").as_bytes())
    }

    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for a text in the log.
    #[track_caller]
    pub(crate) fn expect_log(&self, text: &str) {
        let found = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            self.log.lock().unwrap().contains(text)
        });
        assert!(found, "no {text} in {}", self.log.lock().unwrap());
    }

    /// Waits for the end; gives the exit code and all that was logged.
    pub(crate) fn wait(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        self.reader.take().unwrap().join().unwrap();
        let log = self.log.lock().unwrap().clone();
        (code, log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends a body to an address, and reads the answer if somebody is there.
pub(crate) fn post_to(address: &str, body: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!(
        "POST /v1/transfer HTTP/1.1\r\nhost: handover\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    drop(stream.write_all(&[head.as_bytes(), body].concat()));
    Some(answer(&mut stream))
}

/// Reads one answer until the connection is closed.
pub(crate) fn answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    drop(stream.read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    // the date is the one field that no two answers need to share
    let head: Vec<_> = head.lines().map(str::to_ascii_lowercase).filter(|line| !line.starts_with("date:")).collect();
    Answer { status, head: head.join("\n"), body: body.to_owned() }
}
