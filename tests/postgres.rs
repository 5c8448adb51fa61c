//! A PostgreSQL of the tests' own: the installed server on a private socket, as another user where the tests are root.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A running server; it is stopped and its folder removed when dropped.
pub(crate) struct Postgres {
    folder: PathBuf,
    binaries: PathBuf,
    child: Child,
}

impl Postgres {
    /// Where to connect instead, if somebody says so: races are run there, and nothing is stopped.
    pub(crate) fn given() -> Option<String> {
        std::env::var("HANDOVER_TEST_POSTGRES").ok()
    }

    /// Starts one, or says why there is none.
    pub(crate) fn start() -> Option<Self> {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let Some(binaries) = binaries() else {
            assert!(std::env::var_os("CI").is_none(), "no PostgreSQL: install the package `postgresql`");
            println!("skipped: no PostgreSQL");
            return None;
        };
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("handover-pg-{}-{number}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        if is_root() {
            assert!(Command::new("chown").args(["nobody:nogroup"]).arg(&folder).status().unwrap().success());
        }
        let data = folder.join("data");
        let made = as_user(&binaries.join("initdb"))
            .args(["--no-sync", "-A", "trust", "-U", "handover", "-E", "UTF8", "--locale", "C", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success(), "initdb");
        let child = server(&binaries, &folder);
        let mut this = Self { folder, binaries, child };
        this.wait();
        Some(this)
    }

    /// Where to connect.
    pub(crate) fn url(&self) -> String {
        let socket = self.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgres://handover@{socket}/postgres")
    }

    /// Runs SQL, and gives what it prints.
    pub(crate) fn sql(&self, text: &str) -> String {
        let mut command = Command::new(self.binaries.join("psql"));
        command.args(["-U", "handover", "-d", "postgres", "-Atc", text, "-h"]).arg(&self.folder);
        String::from_utf8(command.output().unwrap().stdout).unwrap().trim().to_owned()
    }

    /// Sends a signal to every process of the server.
    pub(crate) fn signal(&self, name: &str) {
        let data = self.folder.join("data");
        // one that is stopped has none
        let Ok(pids) = std::fs::read_to_string(data.join("postmaster.pid")) else { return };
        let leader = pids.lines().next().unwrap_or_default();
        // a leader that stands still starts no process that the list would lack
        let kill = format!(
            "exec 2>/dev/null; kill -STOP {leader}; kill -{name} $(cat /proc/{leader}/task/{leader}/children) {leader}"
        );
        drop(Command::new("sh").args(["-c", &kill]).status());
    }

    /// Stops it at once, as a crash would, and starts it again.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.resume();
    }

    /// Stops it at once.
    pub(crate) fn stop(&mut self) {
        self.signal("KILL");
        drop(self.child.wait());
        drop(std::fs::remove_file(self.folder.join("data/postmaster.pid")));
    }

    /// Starts it again.
    pub(crate) fn resume(&mut self) {
        self.child = server(&self.binaries, &self.folder);
        self.wait();
    }

    fn wait(&mut self) {
        let is_up = (0..600).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            // while a killed process of the server before still dies, the next one refuses to start
            if self.child.try_wait().unwrap().is_some() {
                self.child = server(&self.binaries, &self.folder);
            }
            self.sql("select 1") == "1"
        });
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert!(is_up, "PostgreSQL did not start:\n{log}");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn server(binaries: &Path, folder: &Path) -> Child {
    let mut command = as_user(&binaries.join("postgres"));
    command.arg("-D").arg(folder.join("data")).arg("-k").arg(folder).args([
        "-c",
        "listen_addresses=",
        "-c",
        "synchronous_commit=off",
    ]);
    let log = std::fs::File::create(folder.join("log")).unwrap();
    command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

/// The server refuses to run as root.
fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
    command
}

/// The folder of the newest installed server.
fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders.filter(|folder| folder.join("initdb").exists()).max()
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
