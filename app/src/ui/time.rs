//! Times on pages: words that age, with the moment behind them. What "now" is comes from the server.

use leptos::prelude::*;

use super::ages::{self, Age, Zone, full, to_second};
use crate::civil::{Civil, rfc3339};
use crate::signin::wire::Times;
use crate::wire::Timestamp;

/// The page's idea of time: the server's clock, the zone, and how times are shown.
#[derive(Clone, Copy)]
pub struct Clock(StoredValue<(Zone, String)>);

impl Default for Clock {
    fn default() -> Self {
        let zone = Zone {
            now: Timestamp(0),
            times: Times::Relative,
            offset_min: 0,
        };
        Clock(StoredValue::new((zone, "UTC".to_owned())))
    }
}

impl Clock {
    /// The layout's clock.
    pub fn here() -> Self {
        use_context::<Self>().unwrap_or_default()
    }

    /// Takes over what the frame says.
    pub fn begin(self, now: Timestamp, times: Times, offset_min: i32, zone: &str) {
        self.0.set_value((
            Zone {
                now,
                times,
                offset_min,
            },
            zone.to_owned(),
        ));
    }

    /// Sets it to what the server's clock said in its newest answer.
    pub fn set(self, now: Timestamp) {
        self.0.update_value(|(zone, _)| zone.now = zone.now.max(now));
    }

    /// How this person wants times shown.
    pub fn zone(self) -> Zone {
        self.0.with_value(|(zone, _)| zone.clone())
    }

    fn zone_name(self) -> String {
        self.0.with_value(|(_, name)| name.clone())
    }

    /// Now, by the server's clock.
    pub fn now(self) -> Timestamp {
        self.zone().now
    }

    /// Minutes east of UTC.
    pub fn offset_min(self) -> i32 {
        self.zone().offset_min
    }

    /// "Sat 21 Nov 2026, 03:12:40 UTC".
    pub fn full(self, at: Timestamp) -> String {
        full(at, self.offset_min(), &self.zone_name())
    }

    /// "03:12:40", for lines where the day is plain.
    pub fn to_second(self, at: Timestamp) -> String {
        to_second(at, self.offset_min())
    }

    /// "04:13 UTC", for a moment within the day.
    pub fn to_minute(self, at: Timestamp) -> String {
        let c = Civil::at(at, self.offset_min());
        format!("{:02}:{:02} {}", c.hour, c.minute, self.zone_name())
    }

    /// "Sat 21 Nov, 03:12 UTC", for the head of a page.
    pub fn heading(self, at: Timestamp) -> String {
        let c = Civil::at(at, self.offset_min());
        format!(
            "{} {} {}, {:02}:{:02} {}",
            c.weekday_name(),
            c.day,
            c.month_name(),
            c.hour,
            c.minute,
            self.zone_name()
        )
    }
}

/// The clock as script reads it, to let the times of the page age.
#[component]
pub fn ClockMark() -> impl IntoView {
    let zone = Clock::here().zone();
    let times = match zone.times {
        Times::Relative => "relative",
        Times::Absolute => "absolute",
    };
    view! { <span id="clock" hidden data-now=zone.now.0 data-times=times data-offset=zone.offset_min></span> }
}

/// Where the Tab key stops; a passing part can still take focus from script.
const fn stop(passing: bool) -> &'static str {
    if passing { "-1" } else { "0" }
}

/// A moment whose words age, with all of it on hover and focus.
fn time(at: Timestamp, age: Age, before: &'static str, passing: bool) -> AnyView {
    let clock = Clock::here();
    let zone = clock.zone();
    view! {
        <time
            class=ages::class(age, at, &zone)
            datetime=rfc3339(at)
            data-age=age.name()
            data-before=(!before.is_empty()).then_some(before)
            data-tip=clock.full(at)
            tabindex=stop(passing)
        >
            {ages::text(age, before, at, &zone)}
        </time>
    }
    .into_any()
}

/// A moment in the past: "3 min ago", with the whole moment on hover and focus.
#[component]
pub fn TimeAgo(
    /// When.
    at: Timestamp,
    /// Words before it ("read").
    #[prop(optional)]
    before: &'static str,
    /// Not a stop for the Tab key: in rows, where the arrow keys lead there.
    #[prop(optional)]
    passing: bool,
) -> impl IntoView {
    time(at, Age::Ago, before, passing)
}

/// A moment as clock within 24 h, else as date; whole on hover and focus.
#[component]
pub fn Started(
    /// When; `None` = not reported.
    at: Option<Timestamp>,
    /// Not a stop for the Tab key: in rows, where the arrow keys lead there.
    #[prop(optional)]
    passing: bool,
) -> impl IntoView {
    match at {
        None => view! { <span class="quiet">"not reported"</span> }.into_any(),
        Some(at) => time(at, Age::Start, "", passing),
    }
}

/// A moment to the second, always absolute: "03:12:40" today, else with its date.
#[component]
pub fn When(
    /// When.
    at: Timestamp,
) -> impl IntoView {
    time(at, Age::When, "", false)
}

/// What is known of the end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// At this moment.
    At(Timestamp),
    /// The system says never.
    Never,
    /// Nobody told us.
    NotReported,
}

/// When something ends: "in 4 h", amber under 5 minutes, "18 min over" in red; never empty.
#[component]
pub fn Remaining(
    /// When it ends.
    ends: Ends,
    /// Not a stop for the Tab key: in rows, where the arrow keys lead there.
    #[prop(optional)]
    passing: bool,
) -> impl IntoView {
    match ends {
        Ends::Never => view! { <span class="quiet">"No limit"</span> }.into_any(),
        Ends::NotReported => view! { <span class="quiet">"not reported"</span> }.into_any(),
        Ends::At(at) => time(at, Age::Ahead, "", passing),
    }
}
