//! Times grow older while one looks.

use std::time::Duration;

use app::signin::wire::Times;
use app::ui::ages::{self, Age, Zone};
use app::wire::Timestamp;
use js_sys::Date;
use web_sys::Element;

use crate::dom;

const TICK: Duration = Duration::from_secs(5);

/// The server's clock now, and how this person wants times shown; `None` on pages without a clock.
///
/// The device's clock may be wrong: only what passes on it counts, so the difference is taken when the page comes.
pub fn zone() -> Option<Zone> {
    let clock = dom::by_id::<Element>("clock")?;
    let number = |name: &str| clock.get_attribute(name)?.parse::<i64>().ok();
    let now = number("data-now")?;
    let kept = clock
        .get_attribute("data-kept")
        .and_then(|kept| {
            let (for_now, ahead) = kept.split_once(' ')?;
            (for_now.parse() == Ok(now)).then(|| ahead.parse::<i64>().ok())?
        })
        .unwrap_or_else(|| {
            let ahead = Date::now() as i64 - now;
            dom::set(&clock, "data-kept", &format!("{now} {ahead}"));
            ahead
        });
    Some(Zone {
        now: Timestamp(Date::now() as i64 - kept),
        times: match clock.get_attribute("data-times").as_deref() {
            Some("absolute") => Times::Absolute,
            _ => Times::Relative,
        },
        offset_min: number("data-offset")
            .and_then(|offset| i32::try_from(offset).ok())
            .unwrap_or(0),
    })
}

fn tick() {
    let Some(zone) = zone() else { return };
    for time in dom::each::<Element>("time[data-age]") {
        let text = |name: &str| time.get_attribute(name).unwrap_or_default();
        let Some(age) = Age::from_name(&text("data-age")) else {
            continue;
        };
        let at = Date::parse(&text("datetime"));
        if at.is_nan() {
            continue;
        }
        let at = Timestamp(at as i64);
        let words = ages::text(age, &text("data-before"), at, &zone);
        if time.text_content().as_deref() != Some(&words) {
            time.set_text_content(Some(&words));
        }
        let class = ages::class(age, at, &zone);
        if time.class_name() != class {
            time.set_class_name(class);
        }
    }
}

pub fn start() {
    tick();
    dom::every(TICK, tick);
}
