//! A proxy that breaks answers: it understands just enough HTTP to know where one ends.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What is wrong with an answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing.
    Pass,
    /// Nothing listens any more, and what was connected is cut.
    Refuse,
    /// The server does what was asked, but its answer breaks off after so many bytes.
    Cut(usize),
    /// The server does what was asked; its answer comes so much later.
    Slow(Duration),
    /// Bytes that are no text and no HTML, as a whole and proper answer. The server hears nothing.
    Garbage,
    /// Half the body, though the head promised all of it. The server did what was asked.
    Half,
    /// This status line, head and body instead. The server hears nothing.
    Answer(String),
}

impl Fault {
    /// An answer with this status, these lines of a head (each with its line end) and this body.
    pub fn answer(status: &str, head: &str, body: &str) -> Fault {
        Fault::Answer(format!(
            "HTTP/1.1 {status}\r\n{head}content-length: {}\r\n\r\n{body}",
            body.len()
        ))
    }
}

/// Stands in front of a server on loopback; gone when dropped.
pub struct FaultProxy {
    address: SocketAddr,
    path: String,
    state: Arc<State>,
    listening: Mutex<Option<JoinHandle<()>>>,
}

struct State {
    server: String,
    /// The fault, and the text a request must hold to meet it.
    fault: Mutex<(String, Fault)>,
    requests: Mutex<Vec<String>>,
}

impl FaultProxy {
    /// Passes everything on to `http://HOST:PORT[/PATH]` until told otherwise.
    pub async fn in_front_of(url: &str) -> FaultProxy {
        let url = reqwest::Url::parse(url).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = Arc::new(State {
            server: format!("{}:{}", url.host_str().unwrap(), url.port().unwrap()),
            fault: Mutex::new((String::new(), Fault::Pass)),
            requests: Mutex::default(),
        });
        FaultProxy {
            address: listener.local_addr().unwrap(),
            path: url.path().trim_end_matches('/').to_owned(),
            listening: Mutex::new(Some(tokio::spawn(accept(listener, state.clone())))),
            state,
        }
    }

    /// As the server's, on our port.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, self.path)
    }

    /// From now on every request meets this.
    pub async fn set(&self, fault: Fault) {
        self.set_for("", fault).await;
    }

    /// From now on requests that hold this text, in their head or body, meet the fault; others pass.
    pub async fn set_for(&self, text: &str, fault: Fault) {
        let refuse = matches!(fault, Fault::Refuse);
        *self.state.fault.lock().unwrap() = (text.to_owned(), fault);
        let listening = self.listening.lock().unwrap().take();
        let listening = match (refuse, listening) {
            (true, Some(task)) => {
                task.abort();
                drop(task.await);
                None
            }
            (false, None) => {
                let listener = TcpListener::bind(self.address).await.unwrap();
                Some(tokio::spawn(accept(listener, self.state.clone())))
            }
            (_, same) => same,
        };
        *self.listening.lock().unwrap() = listening;
    }

    /// Every request so far, whatever became of it: method, path and body.
    pub fn requests(&self) -> Vec<String> {
        self.state.requests.lock().unwrap().clone()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        if let Some(task) = self.listening.lock().unwrap().take() {
            task.abort();
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(serve(client, state.clone()));
    }
}

/// One connection of a client with one of its own to the server; either end closes both.
async fn serve(client: TcpStream, state: Arc<State>) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = BufReader::new(client);
    let mut server = None;
    while let Some(request) = Message::read(&mut client, None).await? {
        state.requests.lock().unwrap().push(request.line());
        let fault = {
            let fault = state.fault.lock().unwrap();
            let meets = String::from_utf8_lossy(&request.bytes()).contains(&fault.0);
            if meets { fault.1.clone() } else { Fault::Pass }
        };
        match &fault {
            Fault::Garbage => {
                let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 256\r\n\r\n".to_vec();
                answer.extend(0..=255);
                client.write_all(&answer).await?;
                continue;
            }
            Fault::Answer(text) => {
                client.write_all(text.as_bytes()).await?;
                // It may lack a length: its end is the end of the connection.
                return Ok(());
            }
            _ => {}
        }
        if server.is_none() {
            let stream = TcpStream::connect(&state.server).await?;
            stream.set_nodelay(true)?;
            server = Some(BufReader::new(stream));
        }
        let Some(upstream) = server.as_mut() else {
            return Ok(());
        };
        upstream.write_all(&request.bytes()).await?;
        let Some(answer) = Message::read(upstream, Some(&request)).await? else {
            return Ok(());
        };
        match fault {
            Fault::Cut(bytes) => {
                let all = answer.bytes();
                client.write_all(&all[..bytes.min(all.len())]).await?;
                return Ok(());
            }
            Fault::Half => {
                client.write_all(&answer.head).await?;
                client.write_all(&answer.body[..answer.body.len() / 2]).await?;
                return Ok(());
            }
            Fault::Slow(duration) => tokio::time::sleep(duration).await,
            _ => {}
        }
        client.write_all(&answer.bytes()).await?;
        if answer.is_last {
            return Ok(());
        }
    }
    Ok(())
}

/// A request or an answer, byte for byte.
struct Message {
    head: Vec<u8>,
    body: Vec<u8>,
    /// The sender closes after it.
    is_last: bool,
}

impl Message {
    /// The next one, or nothing when the other side has closed. `request` is what this answers.
    async fn read(from: &mut BufReader<TcpStream>, request: Option<&Message>) -> io::Result<Option<Message>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if from.read_until(b'\n', &mut head).await? == 0 {
                return Ok(None);
            }
        }
        let text = String::from_utf8_lossy(&head).to_lowercase();
        let header = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
        };
        let mut body = Vec::new();
        let mut is_last = header("connection") == Some("close");
        let bodiless = request.is_some_and(|request| request.head.starts_with(b"HEAD"))
            || ["204", "304"]
                .iter()
                .any(|status| text[..text.len().min(12)].ends_with(status));
        if bodiless {
        } else if let Some(length) = header("content-length") {
            body.resize(length.parse().map_err(io::Error::other)?, 0);
            from.read_exact(&mut body).await?;
        } else if header("transfer-encoding").is_some() {
            chunks(from, &mut body).await?;
        } else if request.is_some() {
            from.read_to_end(&mut body).await?;
            is_last = true;
        }
        Ok(Some(Message { head, body, is_last }))
    }

    fn bytes(&self) -> Vec<u8> {
        [self.head.as_slice(), &self.body].concat()
    }

    /// `POST /jolokia {"type":…}`
    fn line(&self) -> String {
        let head = String::from_utf8_lossy(&self.head);
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        format!("{method} {path} {}", String::from_utf8_lossy(&self.body))
            .trim_end()
            .to_owned()
    }
}

/// A chunked body with its framing.
async fn chunks(from: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let start = body.len();
        from.read_until(b'\n', body).await?;
        let size = String::from_utf8_lossy(&body[start..]).trim().to_owned();
        let size = usize::from_str_radix(&size, 16).map_err(io::Error::other)?;
        let data = body.len();
        // The data and the line end after it.
        body.resize(data + size + 2, 0);
        from.read_exact(&mut body[data..]).await?;
        if size == 0 {
            return Ok(());
        }
    }
}
