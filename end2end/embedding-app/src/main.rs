//! The example app on its own: `embedding-app SETTINGS.toml`.

use anyhow::Context;
use embedding_app::Settings;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let file = std::env::args().nth(1).context("embedding-app SETTINGS.toml")?;
    let text = std::fs::read_to_string(&file).context(file)?;
    let settings: Settings = toml::from_str(&text)?;
    let listener = tokio::net::TcpListener::bind(settings.listen).await?;
    println!("http://{}", listener.local_addr()?);
    embedding_app::serve(listener, settings).await
}
