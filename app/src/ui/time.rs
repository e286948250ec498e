//! Times: one unit, rounded, with the moment behind it. What "now" is comes from the server and then ages by itself.

use leptos::prelude::*;

use crate::civil::{Civil, rfc3339};
use crate::signin::wire::Times;
use crate::wire::{Limit, Timestamp};

/// The page's idea of time: the server's clock, the zone, and how times are shown.
#[derive(Clone, Copy)]
pub struct Clock {
    now: RwSignal<Timestamp>,
    times: RwSignal<Times>,
    offset_min: RwSignal<i32>,
    zone: RwSignal<String>,
}

impl Default for Clock {
    fn default() -> Self {
        Clock {
            now: RwSignal::new(Timestamp(0)),
            times: RwSignal::new(Times::Relative),
            offset_min: RwSignal::new(0),
            zone: RwSignal::new("UTC".to_owned()),
        }
    }
}

impl Clock {
    /// The layout's clock.
    pub fn here() -> Self {
        use_context::<Self>().unwrap_or_default()
    }

    /// Sets it to what the server's clock said in its newest answer.
    pub fn set(self, now: Timestamp) {
        if self.now.get_untracked() < now {
            self.now.set(now);
        }
    }

    /// Takes over how this person wants times shown.
    pub fn prefer(self, times: Times, offset_min: i32, zone: &str) {
        self.times.set(times);
        self.offset_min.set(offset_min);
        self.zone.set(zone.to_owned());
    }

    /// Now, by the server's clock. Reactive.
    pub fn now(self) -> Timestamp {
        self.now.get()
    }

    /// Minutes east of UTC. Reactive.
    pub fn offset_min(self) -> i32 {
        self.offset_min.get()
    }

    /// Minutes east of UTC, for what is made once.
    pub fn offset_min_untracked(self) -> i32 {
        self.offset_min.get_untracked()
    }

    /// "Sat 21 Nov 2026, 03:12:40 UTC".
    pub fn full(self, at: Timestamp) -> String {
        full(at, self.offset_min.get(), &self.zone.get())
    }

    /// "03:12:40", for lines where the day is plain.
    pub fn to_second(self, at: Timestamp) -> String {
        let c = Civil::at(at, self.offset_min.get());
        format!("{:02}:{:02}:{:02}", c.hour, c.minute, c.second)
    }

    /// "04:13 UTC", for a moment within the day.
    pub fn to_minute(self, at: Timestamp) -> String {
        let c = Civil::at(at, self.offset_min.get());
        format!("{:02}:{:02} {}", c.hour, c.minute, self.zone.get())
    }

    /// "Sat 21 Nov, 03:12 UTC", for the head of a page.
    pub fn heading(self, at: Timestamp) -> String {
        let c = Civil::at(at, self.offset_min.get());
        format!(
            "{} {} {}, {:02}:{:02} {}",
            c.weekday_name(),
            c.day,
            c.month_name(),
            c.hour,
            c.minute,
            self.zone.get()
        )
    }

    /// "3 min ago", or the moment where the person wants moments.
    fn ago(self, at: Timestamp) -> String {
        match self.times.get() {
            Times::Relative => ago(self.now.get().since(at)),
            Times::Absolute => moment(at, self.now.get(), self.offset_min.get()),
        }
    }

    /// "in 4 h", "18 min over", or the moment.
    fn ahead(self, at: Timestamp) -> String {
        match self.times.get() {
            Times::Relative => ahead(at.since(self.now.get())),
            Times::Absolute => moment(at, self.now.get(), self.offset_min.get()),
        }
    }

    /// Lets the clock run in the browser; does nothing on the server.
    pub fn run(self) {
        #[cfg(feature = "hydrate")]
        {
            use std::time::Duration;
            Effect::new(move |_| {
                // The device's clock may be wrong: only what passes on it counts.
                let begun = leptos::web_sys::js_sys::Date::now();
                let from = self.now.get_untracked();
                let begun = StoredValue::new((begun, from));
                let tick = set_interval_with_handle(
                    move || {
                        let (begun_ms, from) = begun.get_value();
                        let passed = leptos::web_sys::js_sys::Date::now() - begun_ms;
                        if from.0 > 0 {
                            self.set(from.plus_ms(passed as i64));
                        } else {
                            begun.set_value((leptos::web_sys::js_sys::Date::now(), self.now.get_untracked()));
                        }
                    },
                    Duration::from_secs(5),
                );
                if let Ok(tick) = tick {
                    on_cleanup(move || tick.clear());
                }
            });
        }
    }
}

/// One unit, rounded: seconds to 59, minutes to 59, hours to 47, then days.
fn length(ms: i64) -> String {
    let seconds = (ms + 500) / 1000;
    let minutes = (ms + 30_000) / 60_000;
    let hours = (ms + 1_800_000) / 3_600_000;
    if seconds < 60 {
        format!("{seconds} s")
    } else if minutes < 60 {
        format!("{minutes} min")
    } else if hours < 48 {
        format!("{hours} h")
    } else {
        format!("{} d", (ms + 43_200_000) / 86_400_000)
    }
}

/// How long ago: "now" below two seconds, also for what a clock a little ahead calls the future.
pub fn ago(ms: i64) -> String {
    if ms < 2_000 {
        "now".to_owned()
    } else {
        format!("{} ago", length(ms))
    }
}

/// How long until: "in 4 h"; "18 min over" when it is past.
pub fn ahead(ms: i64) -> String {
    if ms >= 0 {
        format!("in {}", length(ms))
    } else {
        format!("{} over", length(-ms))
    }
}

/// A length of time in words: "30 min", "8 h", "none", "not reported".
pub fn limit_text(limit: Limit) -> String {
    match limit {
        Limit::Unknown => "not reported".to_owned(),
        Limit::None => "none".to_owned(),
        Limit::Seconds(seconds) => length(seconds.saturating_mul(1000)),
    }
}

/// "21 Nov 03:12:40", with the year when it is not this one.
fn moment(at: Timestamp, now: Timestamp, offset_min: i32) -> String {
    let c = Civil::at(at, offset_min);
    let year = if c.year == Civil::at(now, offset_min).year {
        String::new()
    } else {
        format!(" {}", c.year)
    };
    format!(
        "{} {}{year} {:02}:{:02}:{:02}",
        c.day,
        c.month_name(),
        c.hour,
        c.minute,
        c.second
    )
}

/// Clock within 24 h ("18:04"), else the date ("20 Nov", "4 Sep 2025").
pub fn clock_or_date(at: Timestamp, now: Timestamp, offset_min: i32) -> String {
    let c = Civil::at(at, offset_min);
    if now.since(at).abs() < 86_400_000 {
        format!("{:02}:{:02}", c.hour, c.minute)
    } else if c.year == Civil::at(now, offset_min).year {
        format!("{} {}", c.day, c.month_name())
    } else {
        format!("{} {} {}", c.day, c.month_name(), c.year)
    }
}

/// "Sat 21 Nov 2026, 03:12:40 UTC".
pub fn full(at: Timestamp, offset_min: i32, zone: &str) -> String {
    let c = Civil::at(at, offset_min);
    format!(
        "{} {} {} {}, {:02}:{:02}:{:02} {zone}",
        c.weekday_name(),
        c.day,
        c.month_name(),
        c.year,
        c.hour,
        c.minute,
        c.second
    )
}

/// Where the Tab key stops; a passing part can still take focus from script.
const fn stop(passing: bool) -> &'static str {
    if passing { "-1" } else { "0" }
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
    let clock = Clock::here();
    let text = move || match before {
        "" => clock.ago(at),
        before => format!("{before} {}", clock.ago(at)),
    };
    view! {
        <time
            class="tip"
            datetime=rfc3339(at)
            data-tip=move || clock.full(at)
            tabindex=stop(passing)
        >
            {text}
        </time>
    }
    .into_any()
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
    let clock = Clock::here();
    match at {
        None => view! { <span class="quiet">"not reported"</span> }.into_any(),
        Some(at) => {
            let text = move || match clock.times.get() {
                Times::Relative => clock_or_date(at, clock.now.get(), clock.offset_min.get()),
                Times::Absolute => moment(at, clock.now.get(), clock.offset_min.get()),
            };
            view! {
                <time class="tip" datetime=rfc3339(at) data-tip=move || clock.full(at) tabindex=stop(passing)>
                    {text}
                </time>
            }
            .into_any()
        }
    }
}

/// A moment to the second, always absolute: "03:12:40" today, else with its date.
#[component]
pub fn When(
    /// When.
    at: Timestamp,
) -> impl IntoView {
    let clock = Clock::here();
    let text = move || {
        if clock.now.get().since(at).abs() < 86_400_000 {
            clock.to_second(at)
        } else {
            moment(at, clock.now.get(), clock.offset_min.get())
        }
    };
    view! {
        <time class="tip" datetime=rfc3339(at) data-tip=move || clock.full(at) tabindex="0">
            {text}
        </time>
    }
    .into_any()
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
    let clock = Clock::here();
    match ends {
        Ends::Never => view! { <span class="quiet">"No limit"</span> }.into_any(),
        Ends::NotReported => view! { <span class="quiet">"not reported"</span> }.into_any(),
        Ends::At(at) => {
            let left = move || at.since(clock.now.get());
            view! {
                <time
                    class="tip"
                    class:is-warn=move || (0..300_000).contains(&left())
                    class:is-danger=move || left() < 0
                    datetime=rfc3339(at)
                    data-tip=move || clock.full(at)
                    tabindex=stop(passing)
                >
                    {move || clock.ahead(at)}
                </time>
            }
            .into_any()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1000;
    const MIN: i64 = 60 * S;
    const H: i64 = 60 * MIN;
    const D: i64 = 24 * H;

    #[test]
    fn ui_c5_ages_have_one_rounded_unit() {
        for (ms, text) in [
            (-5 * S, "now"),
            (1999, "now"),
            (4 * S, "4 s ago"),
            (59 * S, "59 s ago"),
            (60 * S, "1 min ago"),
            (89 * S, "1 min ago"),
            (91 * S, "2 min ago"),
            (59 * MIN + 29 * S, "59 min ago"),
            (60 * MIN, "1 h ago"),
            (47 * H, "47 h ago"),
            (48 * H, "2 d ago"),
            (180 * D, "180 d ago"),
        ] {
            assert_eq!(ago(ms), text, "{ms}");
        }
    }

    #[test]
    fn what_is_left_says_over_when_it_is_past() {
        assert_eq!(ahead(4 * H), "in 4 h");
        assert_eq!(ahead(30 * D), "in 30 d");
        assert_eq!(ahead(-18 * MIN), "18 min over");
        assert_eq!(limit_text(Limit::Seconds(1800)), "30 min");
        assert_eq!(limit_text(Limit::Seconds(36_000)), "10 h");
        assert_eq!(limit_text(Limit::None), "none");
        assert_eq!(limit_text(Limit::Unknown), "not reported");
    }

    #[test]
    fn a_start_is_a_clock_for_a_day_and_a_date_after() {
        let now = Civil::parse("2026-11-21T03:12").expect("a date").timestamp(0);
        assert_eq!(clock_or_date(now.plus_ms(-9 * H), now, 0), "18:12");
        assert_eq!(clock_or_date(now.plus_ms(-2 * D), now, 0), "19 Nov");
        assert_eq!(clock_or_date(now.plus_ms(-400 * D), now, 0), "17 Oct 2025");
        assert_eq!(full(now, 60, "CET"), "Sat 21 Nov 2026, 04:12:00 CET");
        assert_eq!(moment(now, now, 0), "21 Nov 03:12:00");
    }
}
