//! Pages that stay current: the server says that something changed (`data-live`), or a while has passed
//! (`data-every`), and the page is read again in the background. The frame is asked every half minute on every page.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use app::paths;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, Event, EventSource, MessageEvent};

use crate::dom;
use crate::page::{self, Asked, Trouble};
use crate::rows;

/// How often the frame is asked again: what runs, how long the sign-in lasts.
const FRAME: Duration = Duration::from_secs(30);
/// How long a list stands after a reading: its systems are read one after the other.
const LIST: Duration = Duration::from_secs(3);
/// How often a page reads again while the stream is broken.
const LOST: Duration = Duration::from_secs(10);

/// The open stream. Dropping it closes it.
struct Stream {
    topic: String,
    source: EventSource,
    _listeners: [Closure<dyn Fn(Event)>; 3],
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.close();
    }
}

thread_local! {
    static STREAM: RefCell<Option<Stream>> = const { RefCell::new(None) };
    static LINK: Cell<&'static str> = const { Cell::new("") };
    static VERSION: RefCell<String> = const { RefCell::new(String::new()) };
    /// A reading is on its way; another one is wanted after it.
    static READING: Cell<bool> = const { Cell::new(false) };
    static WANTED: Cell<bool> = const { Cell::new(false) };
    static TICKS: Cell<u32> = const { Cell::new(0) };
}

/// After a page came: listens to what it wants to hear of, and to nothing else.
pub fn arrived() {
    let wanted = dom::one::<Element>("[data-live]").and_then(|mark| mark.get_attribute("data-live"));
    let open = STREAM.with_borrow(|stream| stream.as_ref().map(|stream| stream.topic.clone()));
    if wanted != open {
        STREAM.set(None);
        LINK.set("");
        // What the page was drawn with need not be read again.
        let drawn = dom::one::<Element>("[data-live]").and_then(|mark| mark.get_attribute("data-version"));
        VERSION.set(drawn.unwrap_or_default());
        STREAM.set(wanted.and_then(listen));
    }
    mark();
}

fn listen(topic: String) -> Option<Stream> {
    let source = EventSource::new(&paths::live(&topic)).ok()?;
    let opened = Closure::<dyn Fn(Event)>::new(|_| {
        if LINK.get() == "lost" {
            // Whatever happened while the line was down.
            read();
        }
        LINK.set("live");
        mark();
    });
    let changed = Closure::<dyn Fn(Event)>::new(|event: Event| {
        let version = event
            .dyn_ref::<MessageEvent>()
            .and_then(|event| event.data().as_string())
            .unwrap_or_default();
        if VERSION.replace(version.clone()) != version {
            read();
        }
    });
    let lost = Closure::<dyn Fn(Event)>::new(|_| {
        LINK.set("lost");
        mark();
    });
    source.set_onopen(Some(opened.as_ref().unchecked_ref()));
    source.set_onmessage(Some(changed.as_ref().unchecked_ref()));
    // A stream may name its events; ours are called "version".
    drop(source.add_event_listener_with_callback("version", changed.as_ref().unchecked_ref()));
    source.set_onerror(Some(lost.as_ref().unchecked_ref()));
    Some(Stream {
        topic,
        source,
        _listeners: [opened, changed, lost],
    })
}

/// Shows how the page hears of changes.
fn mark() {
    if let Some(mark) = dom::one::<Element>("[data-live]") {
        dom::set(&mark, "data-link", LINK.get());
        if let Ok(Some(words)) = mark.query_selector("[data-when=lost]") {
            let lost = LINK.get() == "lost";
            words.set_text_content(lost.then_some("Live updates stopped. Reading again every 10 s."));
        }
    }
}

/// Reads the page again; at most one reading at a time, and one more when something changed meanwhile. A list that is
/// paused, or that nobody can see, waits.
fn read() {
    let waits = rows::are_paused() || (rows::are_live() && dom::document().hidden());
    if waits || READING.get() {
        WANTED.set(true);
        return;
    }
    READING.set(true);
    spawn_local(async {
        WANTED.set(false);
        page::again().await;
        if rows::are_live() {
            dom::pause(LIST).await;
        }
        READING.set(false);
        resume();
    });
}

/// Reads what was left for later.
pub fn resume() {
    if WANTED.get() {
        read();
    }
}

/// What runs, and how long the sign-in lasts.
fn frame() {
    if dom::by_id::<Element>("sign-in-ends").is_none() {
        return;
    }
    spawn_local(async {
        match page::ask(paths::FRAME, None, Asked::Page).await {
            Ok(answer) => {
                rows::steady(|| {
                    for id in ["running", "sign-in-ends", "banners"] {
                        page::part(&answer.document, id);
                    }
                });
            }
            Err(Trouble::SignedOut) => crate::timeout::over(),
            // Not answering for a moment: the next round asks again.
            Err(Trouble::NoAnswer) => {}
        }
    });
}

pub fn start() {
    dom::on("visibilitychange", |_: Event| resume());
    dom::every(FRAME, frame);
    dom::every(LOST, || {
        if LINK.get() == "lost" {
            read();
        }
    });
    dom::every(Duration::from_secs(1), || {
        let every = dom::one::<Element>("[data-every]")
            .and_then(|mark| mark.get_attribute("data-every")?.parse::<u32>().ok());
        let ticks = TICKS.get() + 1;
        match every {
            Some(every) if ticks >= every => {
                TICKS.set(0);
                read();
            }
            Some(_) => TICKS.set(ticks),
            None => TICKS.set(0),
        }
    });
}
