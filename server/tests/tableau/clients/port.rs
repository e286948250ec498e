//! Port 8060 and the database `workgroup`, where clients insist on finding a repository: an address of its own on the
//! loopback for each test, in front of the PostgreSQL of the tests.

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;

use crate::workgroup::Workgroup;

/// The port that is insisted on.
const PORT: u16 = 8060;

/// An open port; closed when this is dropped.
pub struct Port {
    address: String,
    accepting: JoinHandle<()>,
}

impl Drop for Port {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Port {
    /// Opens it on the first address of the loopback where nobody has.
    pub async fn open(workgroup: &Workgroup) -> Self {
        let (socket, database) = (workgroup.socket(), workgroup.database.clone());
        for last in 1..=254 {
            let address = format!("127.80.60.{last}");
            let Ok(listener) = TcpListener::bind((address.as_str(), PORT)).await else {
                continue;
            };
            let accepting = tokio::spawn(async move {
                while let Ok((client, _)) = listener.accept().await {
                    let (socket, database) = (socket.clone(), database.clone());
                    tokio::spawn(async move { connect(client, &socket, &database).await.ok() });
                }
            });
            return Self { address, accepting };
        }
        panic!("port {PORT} is taken on every address of 127.80.60.0/24");
    }

    /// Its host.
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// Passes everything on but the name of the database, which the tests have many of.
async fn connect(mut client: TcpStream, socket: &str, database: &str) -> std::io::Result<()> {
    // Length and code come first; a request for encryption is that and nothing else.
    const TLS: u32 = 80_877_103;
    const GSSAPI: u32 = 80_877_104;
    let (version, rest) = loop {
        let length = client.read_u32().await?;
        let code = client.read_u32().await?;
        if matches!(code, TLS | GSSAPI) {
            client.write_all(b"N").await?;
            continue;
        }
        let mut rest = vec![0; usize::try_from(length.saturating_sub(8)).unwrap_or(0)];
        client.read_exact(&mut rest).await?;
        break (code, rest);
    };
    let mut words = rest.split(|byte| *byte == 0).map(<[u8]>::to_vec);
    let mut start = Vec::new();
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        if name.is_empty() {
            break;
        }
        let value = match name.as_slice() {
            b"database" if value == b"workgroup" => database.as_bytes().to_vec(),
            _ => value,
        };
        start.extend([name, vec![0], value, vec![0]].concat());
    }
    start.push(0);
    let mut server = UnixStream::connect(socket).await?;
    server
        .write_u32(u32::try_from(start.len() + 8).unwrap_or(u32::MAX))
        .await?;
    server.write_u32(version).await?;
    server.write_all(&start).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
