//! Protected connections to the repository: real handshakes, in front of the real PostgreSQL.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use server::connectors::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, UnixStream};
use tokio_rustls::TlsAcceptor;

use super::workgroup::{Release, Workgroup, all, connect, listed};

/// What asks PostgreSQL for TLS: length 8 and a number that is no version.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// An authority whose certificate lies in a file.
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

    fn file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// Speaks TLS as `name` in front of the database, to whoever asks for it and to nobody else; its port.
    async fn in_front_of(&self, workgroup: &Workgroup, name: &str) -> u16 {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        let chain = vec![CertificateDer::from_pem_slice(cert.pem().as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        server::http::install_tls();
        let config = ServerConfig::builder().with_no_client_auth();
        let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (folder, number) = workgroup.host.rsplit_once(':').unwrap();
        let socket = format!("{folder}/.s.PGSQL.{number}");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (acceptor, socket) = (acceptor.clone(), socket.clone());
                tokio::spawn(async move {
                    let mut asked = [0; 8];
                    stream.read_exact(&mut asked).await.ok();
                    if asked != SSL_REQUEST {
                        return;
                    }
                    stream.write_all(b"S").await.ok();
                    // Whoever does not like the certificate hangs up.
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut database = UnixStream::connect(socket).await.unwrap();
                    copy_bidirectional(&mut stream, &mut database).await.ok();
                });
            }
        });
        port
    }
}

#[tokio::test]
async fn security_the_repository_proves_who_it_is_where_that_is_asked_for() {
    let workgroup = Workgroup::new(Release::R2025_3).await;
    let (ours, theirs) = (Authority::new(), Authority::new());
    let right = ours.in_front_of(&workgroup, "localhost").await;
    let other_name = ours.in_front_of(&workgroup, "node1.example.org").await;
    let (own, foreign) = (ours.file(), theirs.file());
    let cases = [
        ("verify-full", right, Some(&own), true),
        ("verify-full", right, Some(&foreign), false),
        ("verify-full", other_name, Some(&own), false),
        ("verify-ca", other_name, Some(&own), true),
        ("verify-ca", other_name, Some(&foreign), false),
        ("require", other_name, None, true),
        ("prefer", other_name, None, true),
        // The server takes nobody who does not ask for TLS.
        ("disable", right, None, false),
    ];
    for (tls, port, ca_file, lets_in) in cases {
        let ca_file = ca_file.map_or_else(String::new, |file| format!("ca_file = \"{}\"\n", file.display()));
        let more = format!("tls = \"{tls}\"\n{ca_file}");
        let near = connect(&workgroup.settings(&format!("\"localhost:{port}\""), "readonly", &more));
        if lets_in {
            assert_eq!(all(&near).await.len(), 6, "{tls} {port} {ca_file}");
        } else {
            let error = listed(&near)
                .await
                .err()
                .unwrap_or_else(|| panic!("{tls} {ca_file} was let in"));
            assert_eq!(error.kind, ErrorKind::Unreachable, "{tls} {ca_file}: {error}");
        }
    }
}
