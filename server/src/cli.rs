//! What people type: `curfew serve | demo | migrate | backup | check-config | admin … | audit … | report-key` on the
//! portal's own machine, `verify-report` on any, and the commands of [`remote`] from anywhere.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use app::access::wire::{OneTimeLink, Scope};
use app::civil::rfc3339;
use app::systems::wire::{SelfTestReport, StepResult};
use app::wire::SystemId;
use clap::{Parser, Subcommand};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::access::SeedOperator;
use crate::audit::{Action, Audit};
use crate::clock::{Clock, SystemClock};
use crate::config::{BrokerApp, Config};
use crate::connectors::guard::Guarded;
use crate::connectors::{Completeness, Proof, Recipe, Sink, Wanted};
use crate::error::Error;
use crate::http;
use crate::portal::{self, Portal};
use crate::schedule;
use crate::simulators::{DemoOptions, demo_estate};
use crate::systems::Systems;

mod papers;
mod remote;
mod report;
mod tickets;

/// Who is signed in where, right now, and are they really out?
#[derive(Parser)]
#[command(name = "curfew", version, about)]
pub struct Arguments {
    /// Settings file [default: $CURFEW_CONFIG, else curfew.toml if it is there]
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the portal.
    Serve,
    /// Runs the portal with a demo estate: simulated systems with live traffic, and three demo sign-ins.
    Demo {
        /// Where to listen; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:8460")]
        listen: SocketAddr,
        /// Folder of the demo's database and keys.
        #[arg(long, default_value = "data/demo")]
        data_dir: PathBuf,
        /// Simulated systems are left out: only Curfew's own sessions.
        #[arg(long)]
        bare: bool,
        /// Each simulated system has this many times its people and sessions (about 4,200 in all)
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=500))]
        times: u16,
        /// Browsers reach the portal, the example app and its Tableau as https://curfew.NAMES, https://app.NAMES and
        /// https://tableau.NAMES, through a proxy of yours that ends TLS
        #[arg(long, value_name = "NAMES")]
        names: Option<String>,
        /// Tableau analytics forgets who does nothing for so many minutes (240): an embedded view can be watched outliving it
        #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u16).range(1..=1440))]
        tableau_idle: Option<u16>,
    },
    /// Brings the database up to this program.
    Migrate,
    /// Copies the embedded database into a new file, while the portal runs.
    Backup {
        /// The file to make.
        to: PathBuf,
    },
    /// Reads the settings, asks every system, and says what its identity may do.
    CheckConfig,
    /// Accounts, from the machine itself.
    Admin {
        #[command(subcommand)]
        command: AdminCommand,
    },
    /// The audit log.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Prints the public key that signs containment reports, with its fingerprint.
    ReportKey,
    /// Checks a containment report without the portal: that nothing in it was changed, and by which key it was signed.
    VerifyReport(report::Check),
    #[command(flatten)]
    Remote(remote::Remote),
    /// Prints completions for a shell.
    Completions(papers::Completions),
    /// Prints the manual page, or writes one per command.
    Man(papers::Man),
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Makes an Administrator and prints the one-time link by which they set their password.
    Create {
        /// Sign-in name.
        login: String,
        /// Name as shown [default: the sign-in name]
        #[arg(long)]
        name: Option<String>,
    },
    /// Prints a one-time link for a new password; enables the account if it was disabled, lifts throttling and removes
    /// its second factor.
    Reset {
        /// Sign-in name.
        login: String,
    },
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Walks the whole chain and finds every edit, removal, swap and insert.
    Verify {
        /// The head of an earlier `audit head`: a tail that was cut off since is found too. `SEQ:HASH`
        #[arg(long)]
        head: Option<String>,
    },
    /// Prints the newest entry's number and hash, to be kept elsewhere.
    Head,
}

/// Logs to standard error: readable, or JSON lines with `CURFEW_LOG_FORMAT=json`. Level by `CURFEW_LOG`, default info.
pub fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("CURFEW_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,sqlx=warn,tower_http=warn"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if std::env::var("CURFEW_LOG_FORMAT").is_ok_and(|format| format == "json") {
        log.json().init();
    } else {
        log.with_target(false).init();
    }
}

/// Does what was typed. Exit status 1 when something asked about is not in order.
pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let file = arguments
        .config
        .or_else(|| std::env::var_os("CURFEW_CONFIG").map(PathBuf::from));
    let config = || Config::load(file.as_deref());
    match arguments.command {
        Command::Serve => serve(config()?, file.as_deref()).await,
        Command::Demo {
            listen,
            data_dir,
            bare,
            times,
            names,
            tableau_idle,
        } => {
            let options = DemoOptions {
                times: times.into(),
                names: names.as_deref(),
                tableau_idle_min: tableau_idle,
            };
            demo(config()?, listen, data_dir, bare, options).await
        }
        Command::Migrate => {
            portal::open_database(&config()?).await?.migrate().await?;
            println!("The database is up to date.");
            Ok(ExitCode::SUCCESS)
        }
        Command::Backup { to } => backup(&config()?, &to).await,
        Command::CheckConfig => check_config(&config()?).await,
        Command::Admin { command } => admin(config()?, command).await,
        Command::Audit { command } => audit(&config()?, command).await,
        Command::ReportKey => report::key(&config()?),
        Command::VerifyReport(asked) => report::check(&asked),
        Command::Remote(command) => Ok(remote::run(command).await),
        Command::Completions(asked) => Ok(papers::completions(&asked)),
        Command::Man(asked) => papers::man(&asked),
    }
}

async fn serve(mut config: Config, file: Option<&Path>) -> anyhow::Result<ExitCode> {
    let listener = bind(&mut config)?;
    let portal = Portal::open(config, Arc::new(SystemClock), false).await?;
    if let Some(link) = portal.signin.bootstrap_link().await? {
        println!(
            "Nobody can sign in yet. Open this address and choose a password for the first Administrator:"
        );
        print_link(&link);
    }
    let stop = CancellationToken::new();
    if let Some(file) = settings_file(file) {
        tokio::spawn(watch_settings(portal.clone(), file, stop.clone()));
    }
    run_portal(portal, listener, stop).await
}

/// Takes the port, so that it is known (port 0 = any free one) before anything is told of it.
fn bind(config: &mut Config) -> anyhow::Result<TcpListener> {
    let listener =
        TcpListener::bind(config.listen).with_context(|| format!("listening on {}", config.listen))?;
    config.listen = listener.local_addr()?;
    Ok(listener)
}

/// The settings file in use, if there is one.
fn settings_file(named: Option<&Path>) -> Option<PathBuf> {
    let file = named.map_or_else(|| PathBuf::from("curfew.toml"), Path::to_owned);
    file.exists().then_some(file)
}

/// Serves and works in the background until the program is asked to stop.
async fn run_portal(
    portal: Arc<Portal>,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<ExitCode> {
    let config = portal.config();
    // A program that was killed gave nothing back.
    schedule::free_leases_of_the_dead(&portal.db).await?;
    let router = http::router(Arc::new(portal.http(stop.clone())));
    println!("Curfew answers at {}", config.public_url());
    portal.note(Action::PortalStarted).await?;
    tokio::spawn(stop_on_signal(stop.clone()));
    if let Some(address) = config.metrics_listen {
        let numbers = TcpListener::bind(address).with_context(|| format!("metrics_listen: {address}"))?;
        let portal = portal.clone();
        let refresh = move || {
            let portal = portal.clone();
            async move {
                if let Err(cause) = portal.measure().await {
                    tracing::warn!(%cause, "the numbers could not be brought up to date");
                }
            }
        };
        let router = http::health::router(http::health::metrics()?, refresh);
        tokio::spawn(http::serve(numbers, None, router, stop.clone()));
    }
    if let Some(address) = config.broker.listen {
        let apart = TcpListener::bind(address).with_context(|| format!("broker.listen: {address}"))?;
        let (router, tls) = (http::broker_router(portal.http(stop.clone())), config.tls.clone());
        println!("The ticket broker answers at {}", config.broker_url());
        let stop = stop.clone();
        tokio::spawn(async move { http::serve(apart, tls.as_ref(), router, stop).await });
    }
    let background = tokio::spawn({
        let (portal, stop) = (portal.clone(), stop.clone());
        async move { portal.run_background(stop).await }
    });
    let served = http::serve(listener, config.tls.as_ref(), router, stop.clone()).await;
    stop.cancel();
    background.await?;
    portal.tickets.store_now().await?;
    portal.note(Action::PortalStopped).await?;
    // The last entries leave the box too, if their target takes them at once; else at the next start.
    tokio::time::timeout(Duration::from_secs(5), portal.audit.copy_due())
        .await
        .ok();
    portal.db.close().await;
    served?;
    Ok(ExitCode::SUCCESS)
}

async fn stop_on_signal(stop: CancellationToken) {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => std::future::pending::<()>().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! { () = interrupt => {}, () = terminate => {} }
    stop.cancel();
}

/// Reads the settings again whenever their file changed; bad ones are named and the old ones stay.
async fn watch_settings(portal: Arc<Portal>, file: PathBuf, stop: CancellationToken) {
    let stamp = || std::fs::metadata(&file).and_then(|m| m.modified()).ok();
    let mut seen = stamp();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(2)) => {}
        }
        let now = stamp();
        if now.is_none() || now == seen {
            continue;
        }
        seen = now;
        match Config::load(Some(&file)) {
            Ok(next) => {
                if let Err(cause) = portal.take_settings(next).await {
                    tracing::error!(%cause, "the new settings could not be taken");
                }
            }
            Err(cause) => tracing::error!("the settings stay as they were: {cause:#}"),
        }
    }
}

/// A sign-in of the demo: login, name, password, role with scope, what to print.
struct DemoPerson {
    login: &'static str,
    name: &'static str,
    password: &'static str,
    grants: Vec<(&'static str, Scope)>,
    says: &'static str,
}

/// Two administrators, two other roles, and three people who may do nothing: their sessions are there to be ended.
fn demo_people() -> Vec<DemoPerson> {
    let curfew = Scope::systems([SystemId::from(crate::domain::policy::OWN_SYSTEM)]);
    let guest = |login, name| DemoPerson {
        login,
        name,
        password: "paper-kites-over-town",
        grants: Vec::new(),
        says: "no grant: a session to be ended",
    };
    vec![
        DemoPerson {
            login: "mara.ortiz",
            name: "Mara Ortiz",
            password: "copper-lantern-47-harbour",
            grants: vec![("administrator", Scope::EVERYWHERE)],
            says: "Administrator, everywhere",
        },
        DemoPerson {
            login: "rosalind.vance",
            name: "Rosalind Vance",
            password: "silver-orchard-29-window",
            grants: vec![("administrator", Scope::EVERYWHERE)],
            says: "Administrator, everywhere: the second person for large sets",
        },
        DemoPerson {
            login: "sam.whitlock",
            name: "Sam Whitlock",
            password: "quiet-meadow-12-bridge",
            grants: vec![("helpdesk", curfew)],
            says: "Helpdesk, Curfew’s own sessions only",
        },
        DemoPerson {
            login: "sade.olaoluwa",
            name: "Ṣadé Ọláolúwa-Winterbottom",
            password: "amber-window-83-garden",
            grants: vec![("auditor", Scope::EVERYWHERE)],
            says: "Auditor, everywhere",
        },
        guest("ana.silva", "Ana Silva"),
        guest("li.meihua", "林 美華"),
        guest("ben.adeyemi", "Ben Adeyemi"),
    ]
}

async fn demo(
    mut config: Config,
    listen: SocketAddr,
    data_dir: PathBuf,
    bare: bool,
    options: DemoOptions<'_>,
) -> anyhow::Result<ExitCode> {
    let names = options.names;
    anyhow::ensure!(
        listen.ip().is_loopback(),
        "the demo has known passwords: it listens on loopback only"
    );
    config.listen = listen;
    let listener = bind(&mut config)?;
    config.data_dir = data_dir;
    config.public_url = names.map(|names| format!("https://curfew.{names}"));
    if config.instance == Config::default().instance {
        config.instance = "Northwind, demo".to_owned();
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // The simulated systems live as long as this does.
    let mut estate = match bare {
        true => None,
        false => Some(demo_estate(clock.clone(), options).await?),
    };
    config.systems = estate.iter().flat_map(|e| e.systems.iter().cloned()).collect();
    if estate.is_some() {
        config.people = crate::simulators::demo::people_rules();
    }
    let data_dir = config.data_dir.clone();
    // Apps of the settings stay: whoever writes a page of their own tries it here.
    let simulated: Vec<_> = estate.iter().flat_map(|e| e.apps.iter().cloned()).collect();
    let own = |app: &BrokerApp| simulated.iter().all(|other| other.id != app.id);
    config.broker.apps.retain(own);
    config.broker.apps.extend(simulated);
    let (broker, audience) = (format!("http://{}", config.listen), config.broker_url());
    let portal = Portal::open(config, clock.clone(), true).await?;
    if let Some(estate) = &mut estate {
        estate.tell(&data_dir)?;
        estate.ask_for_tickets(&broker, &audience, &clock)?;
    }
    for person in demo_people() {
        let seed = SeedOperator {
            login: person.login,
            display_name: person.name,
            grants: &person.grants,
            reason: "demo estate",
        };
        let operator = match portal.access.seed_operator(&seed).await {
            Ok(operator) => operator,
            // There from an earlier start of the same demo.
            Err(Error::App(_)) => continue,
            Err(cause) => return Err(cause.into()),
        };
        portal
            .signin
            .seed_password(&operator, SecretString::from(person.password))
            .await?;
    }
    println!("Demo sign-ins (everything here is simulated):");
    for person in demo_people() {
        println!("  {} / {}   ({})", person.login, person.password, person.says);
    }
    if let Some(estate) = &mut estate {
        let (app, tableau) = estate.start_example(broker.clone(), audience, names).await?;
        println!("Example app with Tableau views: {app}");
        println!("  {}", crate::simulators::ExampleApp::sign_ins());
        println!(
            "Tableau for a page of your own (docs/embed.md): {}",
            estate.for_own_pages(&tableau)
        );
        if names.is_some() {
            println!("Behind your proxy: Curfew listens on {broker}, its Tableau on {tableau}");
        }
    }
    run_portal(portal, listener, CancellationToken::new()).await
}

async fn backup(config: &Config, to: &Path) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(!to.exists(), "{} is there already; name a new file", to.display());
    portal::open_database(config).await?.copy_to(to).await?;
    println!(
        "Copied to {}. Keep session.key, audit.key, factor.key and report.key of the data folder with it.",
        to.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Asks every system what it lets us do; writes nothing but what the self-tests found.
async fn check_config(config: &Config) -> anyhow::Result<ExitCode> {
    let mut in_order = true;
    let mut tests = Vec::new();
    println!("Settings: in order. People open {}", config.public_url());
    if config.systems.is_empty() {
        println!("Systems: none in the settings; only Curfew’s own sessions would be listed.");
    }
    for (id, settings) in &config.systems {
        println!("{id} ({}):", settings.kind);
        let timeout = Duration::from_millis(settings.timeout_ms.unwrap_or(config.collect.timeout_ms).max(1));
        match crate::connectors::make(&Recipe { settings, timeout }) {
            Ok(connector) => {
                let guard = Guarded::new(
                    SystemId::from(id.as_str()),
                    connector,
                    timeout,
                    Arc::new(SystemClock),
                );
                let (good, tested) = check_system(&guard).await;
                in_order &= good;
                if let Some(tried) = guard.try_tickets() {
                    for (good, line) in tickets::check(id, tried, config).await {
                        in_order &= good;
                        println!("  {:<10} {line}", "tickets");
                    }
                }
                tests
                    .extend(tested.map(|(report, proof)| (SystemId::from(id.as_str()), report, proof.build)));
            }
            Err(cause) => {
                in_order = false;
                println!("  settings   can’t be used: {cause:#}");
            }
        }
    }
    if !tests.is_empty() {
        match keep_tests(config, &tests).await {
            Ok(kept) => println!("Self-tests: {kept} of {} kept for the Systems page", tests.len()),
            Err(cause) => println!("Self-tests: not kept for the Systems page: {cause:#}"),
        }
    }
    let mut others = Vec::new();
    if let Some(copy) = &config.audit.copy {
        let (target, found) = crate::audit::copy::check(copy).await;
        others.push((format!("Copy of the audit log ({target})"), found));
    }
    for (app, found) in crate::tickets::check(config) {
        others.push((format!("Broker app {app} (nothing was asked)"), found));
    }
    for (rule, found) in crate::signals::check(config) {
        others.push((format!("Signals by the rule {rule} (nothing was asked)"), found));
    }
    for webhook in &config.webhook {
        let (host, found) = crate::webhooks::check(webhook);
        others.push((format!("Webhook at {host} (nothing was sent)"), found));
    }
    for (what, found) in others {
        in_order &= found.is_ok();
        println!("{what}: {}", found.err().unwrap_or_else(|| "in order".to_owned()));
    }
    Ok(if in_order {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Keeps what the self-tests found (system, report, build) where the portal keeps them, if it was ever started; how many.
async fn keep_tests(config: &Config, tests: &[(SystemId, SelfTestReport, String)]) -> anyhow::Result<usize> {
    anyhow::ensure!(
        config.database.is_some() || portal::sqlite_file(config).exists(),
        "the portal has no database yet"
    );
    let db = portal::open_database(config).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let key = Arc::new(portal::audit_key(config)?);
    let audit = Arc::new(Audit::new(db.clone(), clock.clone(), key));
    let systems = Systems::new(db.clone(), clock, audit);
    let mut kept = 0;
    for (system, report, build) in tests {
        kept += usize::from(systems.keep_tested(system, report, build).await?);
    }
    db.close().await;
    Ok(kept)
}

/// Says what works of a system: whether all of it does, and what its self-test found.
async fn check_system(guard: &Guarded) -> (bool, Option<(SelfTestReport, Proof)>) {
    let abilities = guard.abilities();
    let mut in_order = true;
    let mut say = |what: &str, good: bool, words: String| {
        in_order &= good;
        println!("  {what:<10} {words}");
    };
    if abilities.list {
        let (sink, mut batches) = Sink::channel(4);
        let count = tokio::spawn(async move {
            let mut rows = 0;
            while let Some(batch) = batches.recv().await {
                rows += batch.len();
            }
            rows
        });
        let whole = guard.list(Wanted::All, &sink).await;
        drop(sink);
        let rows = count.await.unwrap_or_default();
        match whole {
            Ok(Completeness::Complete) => say("list", true, format!("{rows} sessions, complete")),
            Ok(Completeness::Partial(why)) => {
                say("list", false, format!("{rows} sessions, not complete: {why}"))
            }
            Err(cause) => say(
                "list",
                false,
                format!("{} ({})", cause.message, cause.kind.name()),
            ),
        }
        for line in guard.found() {
            say("found", true, line);
        }
        for line in guard.effect().not_listed {
            say("not seen", true, line);
        }
    } else {
        say("list", true, "this kind of system can’t list sessions".to_owned());
    }
    if abilities.policy {
        match guard.read_policy().await {
            Ok(limits) => say(
                "limits",
                true,
                format!("idle {:?}, longest {:?}", limits.idle, limits.absolute),
            ),
            Err(cause) => say("limits", false, cause.message),
        }
    }
    let mut tested = None;
    if abilities.self_test {
        match guard.self_test().await {
            Ok((report, proof)) => {
                for step in &report.steps {
                    let good = step.result == StepResult::Passed;
                    say(
                        "self-test",
                        good,
                        format!("{:?}: {}. {}", step.result, step.name, step.detail),
                    );
                }
                tested = Some((report, proof));
            }
            Err(cause) => say("self-test", false, cause.message),
        }
    } else if abilities.end {
        say(
            "self-test",
            true,
            "none for this kind: ending is not proven here".to_owned(),
        );
    }
    (in_order, tested)
}

async fn admin(config: Config, command: AdminCommand) -> anyhow::Result<ExitCode> {
    let portal = Portal::open(config, Arc::new(SystemClock), false).await?;
    let link = match command {
        AdminCommand::Create { login, name } => {
            portal
                .access
                .admin_create(&login, name.as_deref().unwrap_or(&login))
                .await?
        }
        AdminCommand::Reset { login } => portal.access.admin_reset(&login).await?,
    };
    print_link(&link);
    Ok(ExitCode::SUCCESS)
}

fn print_link(link: &OneTimeLink) {
    println!("  {}", link.url);
    println!(
        "  for {}, works once, until {}",
        link.login,
        rfc3339(link.expires_at)
    );
}

async fn audit(config: &Config, command: AuditCommand) -> anyhow::Result<ExitCode> {
    let db = portal::open_database(config).await?;
    match command {
        AuditCommand::Head => {
            let (seq, hash) = crate::audit::chain::head(&db).await?;
            println!("{seq}:{hash}");
            Ok(ExitCode::SUCCESS)
        }
        AuditCommand::Verify { head } => {
            let head = head.as_deref().map(parse_head).transpose()?;
            let key = portal::audit_key(config)?;
            let status = crate::audit::chain::verify(&db, &key, head, SystemClock.now()).await?;
            match status.broken {
                None => {
                    println!(
                        "Chain whole: {} entries checked, newest {}:{}",
                        status.checked, status.seq, status.head_hash
                    );
                    Ok(ExitCode::SUCCESS)
                }
                Some((seq, why)) => {
                    println!("Chain broken at entry {seq}: {why}");
                    println!("Keep the database as it is and tell whoever is in charge of security.");
                    Ok(ExitCode::FAILURE)
                }
            }
        }
    }
}

/// Reads `SEQ:HASH` as `audit head` printed it.
fn parse_head(text: &str) -> anyhow::Result<(i64, String)> {
    let (seq, hash) = text
        .split_once(':')
        .context("--head: write SEQ:HASH as `curfew audit head` printed it")?;
    let seq = seq
        .parse()
        .context("--head: the part before the colon is a number")?;
    Ok((seq, hash.to_owned()))
}
