//! A syslog receiver of our own over real TLS: it parses frames as RFC 5425 wants them.

use std::sync::Mutex;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::config::SecretRef;

/// An authority, and the files of what it made.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, dir }
    }

    fn ca_file(&self) -> std::path::PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// Certificate and key for a name, as PEM.
    fn made_for(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        roots
    }
}

/// What the receiver does with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Reads,
    /// Reads a little and breaks off.
    BreaksOff,
    /// Takes the connection and nothing more.
    Hangs,
}

struct Receiver {
    port: u16,
    mood: Arc<Mutex<Mood>>,
    messages: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    /// A receiver named `name`; it may demand a certificate of the authority.
    async fn start(authority: &Authority, name: &str, demands: bool) -> Self {
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(ring.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if demands {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authority.roots()), ring);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let (certificate, key) = authority.made_for(name);
        let config = builder
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let receiver = Self {
            port,
            mood: Arc::new(Mutex::new(Mood::Reads)),
            messages: Arc::default(),
        };
        let (mood, messages) = (receiver.mood.clone(), receiver.messages.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, mood, messages) = (acceptor.clone(), *mood.lock().unwrap(), messages.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    match mood {
                        Mood::Reads => {
                            let mut bytes = Vec::new();
                            stream.read_to_end(&mut bytes).await.unwrap();
                            messages.lock().unwrap().extend(frames(&bytes));
                            stream.shutdown().await.ok();
                        }
                        Mood::BreaksOff => {
                            stream.read_exact(&mut [0; 10]).await.ok();
                            stream.get_ref().0.set_zero_linger().unwrap();
                        }
                        Mood::Hangs => std::future::pending().await,
                    }
                });
            }
        });
        receiver
    }

    fn settings(&self, host: &str, authority: &Authority) -> AuditCopy {
        AuditCopy {
            file: None,
            syslog: Some(format!("tls://{host}:{}", self.port)),
            ca_file: Some(authority.ca_file()),
            certificate: None,
            key: None,
            stall_after_s: 300,
        }
    }

    fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.messages.lock().unwrap())
    }
}

/// Messages out of octet-counted frames; anything else panics.
fn frames(mut bytes: &[u8]) -> Vec<String> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let blank = bytes.iter().position(|b| *b == b' ').unwrap();
        let length: usize = std::str::from_utf8(&bytes[..blank]).unwrap().parse().unwrap();
        let message = &bytes[blank + 1..blank + 1 + length];
        messages.push(String::from_utf8(message.to_vec()).unwrap());
        bytes = &bytes[blank + 1 + length..];
    }
    messages
}

fn number(message: &str) -> i64 {
    let json = &message[message.find('{').unwrap()..];
    let line: serde_json::Value = serde_json::from_str(json).unwrap();
    line["seq"].as_i64().unwrap()
}

#[tokio::test]
async fn security_f9_syslog_messages_come_framed_over_tls_that_was_verified() {
    let authority = Authority::new();
    let receiver = Receiver::start(&authority, "localhost", false).await;
    for stage in Stage::both().await {
        let settings = receiver.settings("localhost", &authority);
        assert_eq!(check(&settings).await.1, Ok(()));
        assert!(receiver.taken().is_empty(), "trying the connection sends nothing");
        stage
            .audit
            .take_copy_settings(Some(&settings), "curfew.test")
            .unwrap();
        stage.note(2).await;
        let refused = Entry::curfew(Action::AuthzFail).result(AuditResult::Refused);
        stage.audit.note(&refused).await.unwrap();
        stage.audit.copy_due().await.unwrap();
        let messages = receiver.taken();
        assert_eq!(messages.iter().map(|m| number(m)).collect::<Vec<_>>(), [1, 2, 3]);
        let head = "<110>1 2027-01-15T08:00:00.000Z curfew.test curfew - policy_changed - {\"schema\":1,";
        assert!(messages[0].starts_with(head), "{}", messages[0]);
        assert!(messages[2].starts_with("<108>1 "), "{}", messages[2]);
        assert!(messages.iter().all(|m| !m.contains('\n')));
        assert_eq!(stage.status().await.behind, 0);
    }
}

#[tokio::test]
async fn security_f9_what_a_receiver_did_not_take_to_the_end_is_sent_again() {
    let authority = Authority::new();
    let receiver = Receiver::start(&authority, "localhost", false).await;
    for stage in Stage::both().await {
        let settings = receiver.settings("localhost", &authority);
        stage
            .audit
            .take_copy_settings(Some(&settings), "curfew.test")
            .unwrap();
        stage.note(400).await;
        receiver.be(Mood::BreaksOff);
        stage.audit.copy_due().await.unwrap();
        let status = stage.status().await;
        assert_eq!(status.behind, 400);
        assert!(
            status
                .trouble
                .unwrap()
                .starts_with("The connection to localhost broke")
        );
        // It rests before it tries again.
        receiver.be(Mood::Reads);
        stage.audit.copy_due().await.unwrap();
        assert_eq!(stage.status().await.behind, 400);
        stage.clock.advance(5);
        stage.audit.copy_due().await.unwrap();
        let status = stage.status().await;
        assert_eq!((status.behind, status.trouble), (0, None));
        let taken: Vec<i64> = receiver.taken().iter().map(|m| number(m)).collect();
        assert_eq!(taken, up_to(400));
    }
}

#[tokio::test]
async fn security_f9_a_receiver_that_hangs_is_no_receipt() {
    let authority = Authority::new();
    let receiver = Receiver::start(&authority, "localhost", false).await;
    receiver.be(Mood::Hangs);
    let settings = receiver.settings("localhost", &authority);
    let address = settings.syslog.clone().unwrap();
    let mut target = SyslogTarget::new(&address, &settings, "curfew.test").unwrap();
    target.longest = Duration::from_millis(600);
    let Trouble(words) = target.write(&[]).await.unwrap_err();
    assert!(
        words.starts_with("localhost did not take the entries within"),
        "{words}"
    );
}

#[tokio::test]
async fn security_e2_a_receiver_under_another_name_or_authority_gets_nothing() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let receiver = Receiver::start(&authority, "logs.example.org", false).await;
    let named = Receiver::start(&authority, "localhost", false).await;
    let wrong_name = receiver.settings("localhost", &authority);
    let wrong_authority = named.settings("localhost", &stranger);
    let of_the_machine = AuditCopy {
        ca_file: None,
        ..named.settings("localhost", &authority)
    };
    for settings in [wrong_name, wrong_authority, of_the_machine] {
        let found = check(&settings).await.1.unwrap_err();
        assert!(
            found.starts_with("TLS with localhost did not come about: invalid peer certificate"),
            "{found}"
        );
    }
    assert!(receiver.taken().is_empty() && named.taken().is_empty());
}

#[tokio::test]
async fn security_e4_a_receiver_may_demand_our_certificate() {
    let authority = Authority::new();
    let receiver = Receiver::start(&authority, "localhost", true).await;
    let without = receiver.settings("localhost", &authority);
    let found = check(&without).await.1.unwrap_err();
    assert!(found.contains("broke") || found.contains("TLS"), "{found}");
    let (certificate, key) = authority.made_for("curfew.test");
    let files = authority.dir.path();
    std::fs::write(files.join("own.pem"), certificate).unwrap();
    std::fs::write(files.join("own.key"), key).unwrap();
    let with = AuditCopy {
        certificate: Some(files.join("own.pem")),
        key: Some(SecretRef::File(files.join("own.key"))),
        ..without
    };
    assert_eq!(check(&with).await.1, Ok(()));
}
