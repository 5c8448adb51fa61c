//! The shipped configuration of nginx, in a real nginx, before an API and a real `handover`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::binary::{Server, root, temporary};
use crate::issuer::{Signer, claims, set};

/// An API that answers every request, and counts them.
struct Api {
    address: String,
    asked: Arc<AtomicUsize>,
}

impl Api {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read(&mut stream);
                if let Some(path) = request.split(' ').nth(1) {
                    counted.fetch_add(1, Ordering::Relaxed);
                    let body = format!("API {path} ");
                    let head =
                        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                    drop(stream.write_all(format!("{head}{body}").as_bytes()));
                }
            }
        });
        Self { address, asked }
    }

    /// How many requests came since the last time.
    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::Relaxed)
    }
}

/// A request with a body of two bytes, or nothing.
fn read(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut part = [0; 4_096];
    while !text.ends_with(b"\r\n\r\n{}") {
        match stream.read(&mut part) {
            Ok(0) | Err(_) => break,
            Ok(length) => text.extend_from_slice(&part[..length]),
        }
    }
    String::from_utf8(text).unwrap()
}

/// A running nginx; it is stopped when dropped.
struct Nginx {
    child: Child,
    address: String,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.child.id().to_string()).status());
        drop(self.child.wait());
    }
}

impl Nginx {
    /// Starts the shipped configuration with these two behind it, or says why not.
    fn start(handover: &str, api: &str) -> Option<Self> {
        if Command::new("nginx").arg("-v").stderr(Stdio::null()).status().is_err() {
            assert!(std::env::var_os("CI").is_none(), "no nginx: install the package `nginx-light`");
            println!("skipped: no nginx");
            return None;
        }
        // a port that was free a moment ago, on an address that no other test has
        let address = TcpListener::bind("127.9.8.7:0").unwrap().local_addr().unwrap().to_string();
        let mut site = std::fs::read_to_string(root().join("server/deploy/nginx.conf")).unwrap();
        for (shipped, own) in [("127.0.0.1:8080", handover), ("127.0.0.1:3000", api), ("127.0.0.1:8081", &address)] {
            assert_eq!(site.matches(shipped).count(), 1, "{shipped}");
            site = site.replace(shipped, own);
        }
        let site = temporary(&format!("gateway/{}/site.conf", api.replace(':', "-")), &site);
        let folder = Path::new(&site).parent().unwrap();
        let places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {}/{name};", folder.display()));
        let http = format!("access_log off;\n{}\ninclude {site};", places.join("\n"));
        let main = format!(
            "daemon off;\npid {0}/pid;\nerror_log {0}/error.log;\nevents {{}}\nhttp {{\n{http}\n}}\n",
            folder.display()
        );
        let main = temporary(&format!("gateway/{}/nginx.conf", api.replace(':', "-")), &main);
        let child = Command::new("nginx").args(["-p", folder.to_str().unwrap(), "-c", &main]).spawn().unwrap();
        let nginx = Self { child, address };
        let is_up = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            TcpStream::connect(&nginx.address).is_ok()
        });
        assert!(is_up, "nginx did not start");
        Some(nginx)
    }

    /// Asks; the whole answer.
    fn ask(&self, method: &str, path: &str, token: Option<&str>) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n{token}");
        stream.write_all(format!("{head}content-length: 2\r\n\r\n{{}}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

#[test]
fn nginx_asks_before_the_api_is_asked() {
    let signer = Signer::new("one");
    let keys = temporary("gateway/keys.json", &set(&[&signer]).to_string());
    let policy = json!({
        "name": "shop", "provider": "generic",
        "session": { "verify": { "issuers": ["https://tenant.example/"], "audiences": ["https://shop.example/api"] } },
        "rules": [ { "name": "theme", "to": "user_metadata.theme", "merge": "anonymous" } ]
    });
    let folder = temporary("gateway/rules/policy.json", &policy.to_string());
    temporary("gateway/rules/theme.schema.json", r#"{ "enum": ["light", "dark"] }"#);
    // the shipped guard of reviews, and one that allows what has an address
    let shipped = std::fs::read_to_string(root().join("rules/post_review.guard.rhai")).unwrap();
    temporary("gateway/rules/post_review.guard.rhai", &shipped);
    let guard = "/// Whoever left an address may change it.\nfn authorize(request) {\n    if request.token.email == () { return require([\"email\", \"name\"], \"address\"); }\n    allow()\n}\n";
    temporary("gateway/rules/change_address.guard.rhai", guard);
    let rules = folder.trim_end_matches("/policy.json");
    let handover = Server::start(&["--rules", rules, "--jwks", &keys]);
    let api = Api::start();
    let Some(nginx) = Nginx::start(handover.address(), &api.address) else { return };
    let (visitor, account) = (signer.good("anon@1"), signer.good("auth0|1"));
    let check = |method: &str, path: &str, token: Option<&str>, status: u16, holds: &str, asked: usize| {
        let answer = nginx.ask(method, path, token);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(holds), "{path}: {answer}");
        assert_eq!(api.asked(), asked, "{path}: {answer}");
    };
    check("GET", "/products", None, 200, "API", 1);
    for method in ["GET", "POST", "DELETE"] {
        check(method, "/account/address", Some(&visitor), 403, r#"{"error":"required","fields":"email,name"}"#, 0);
    }
    // everybody reads reviews
    check("GET", "/reviews/5", None, 200, "API", 1);
    for method in ["POST", "PUT", "DELETE"] {
        check(method, "/reviews/5", Some(&account), 200, "API", 1);
        check(method, "/reviews/5", Some(&visitor), 403, r#"{"error":"forbidden","reason":"login_required"}"#, 0);
        check(method, "/reviews/5", None, 401, "earer", 0);
        check(method, "/reviews/5", Some("x"), 401, "earer", 0);
    }
    // however the path is written, the API sees what nginx judged
    for path in ["//reviews", "/./reviews/5", "/%72eviews", "/products/../reviews"] {
        check("POST", path, Some(&visitor), 403, "forbidden", 0);
    }
    for path in
        ["/account\\address", "/account%5caddress", "/account;x=y/address", "/;/reviews", "/%2572eviews", "/a%23b"]
    {
        check("PUT", path, None, 400, "", 0);
    }
    for (path, seen) in [("/reviews/../ok", "/ok"), ("/a/b/../../c%20d?e=f", "/c%20d?e=f"), ("/x#/../../reviews", "/x")]
    {
        check("PUT", path, None, 200, &format!("API {seen} "), 1);
    }
    let mut known = claims("anon@1");
    known["email"] = json!("guest@shop.example");
    check("PUT", "/account/address", Some(&signer.token(&known)), 200, "API", 1);
    // nobody asks Handover from outside
    check("GET", "/_handover", Some(&account), 404, "", 0);
    // and without Handover nothing that is guarded is done
    handover.terminate();
    drop(handover.wait());
    check("POST", "/reviews/5", Some(&account), 500, "", 0);
    check("GET", "/products", None, 200, "API", 1);
}
