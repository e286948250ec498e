//! How far an ending is, as one bar: each outcome its share. SVG attributes, because styles in pages are forbidden;
//! the numbers stand beside it, so the bar says nothing to who can't see it.

use leptos::prelude::*;

use super::wire::EndingCounts;

/// Class and number of each share, in order.
fn shares(counts: &EndingCounts) -> [(&'static str, u64); 9] {
    [
        ("share-ended", counts.ended),
        ("share-rotated", counts.rotated),
        ("share-gone", counts.already_gone),
        ("share-asked", counts.asked),
        ("share-still", counts.still_there),
        ("share-refused", counts.refused),
        ("share-cannot", counts.unsupported),
        ("share-unknown", counts.unknown),
        ("share-stopped", counts.stopped),
    ]
}

/// Left edge and width of each share that is not empty, out of 1,000.
pub fn widths(counts: &EndingCounts) -> Vec<(&'static str, f64, f64)> {
    let whole = counts.wanted.max(1) as f64;
    let mut before = 0_u64;
    let mut rects = Vec::new();
    for (class, n) in shares(counts) {
        if n > 0 {
            // Tenths are finer than any screen, and keep the markup short.
            let at = |n: u64| (n as f64 / whole * 10_000.0).round() / 10.0;
            rects.push((class, at(before), at(before + n) - at(before)));
        }
        before += n;
    }
    rects
}

/// The bar.
#[component]
pub fn ShareBar(
    /// Counts.
    counts: EndingCounts,
    /// Thin, for a line of a table.
    #[prop(optional)]
    low: bool,
) -> impl IntoView {
    let rects = widths(&counts)
        .into_iter()
        .map(|(class, x, width)| {
            view! { <rect class=class x=format!("{x:.1}") y="0" width=format!("{width:.1}") height="10"></rect> }
        })
        .collect_view();
    view! {
        <svg
            class="share-bar"
            class:share-bar-low=low
            viewBox="0 0 1000 10"
            preserveAspectRatio="none"
            aria-hidden="true"
            focusable="false"
        >
            {rects}
        </svg>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ui_f1_the_bar_and_the_numbers_agree() {
        let counts = EndingCounts {
            wanted: 412,
            ended: 176,
            rotated: 3,
            already_gone: 14,
            asked: 41,
            still_there: 5,
            refused: 9,
            waiting: 164,
            ..EndingCounts::default()
        };
        let rects = widths(&counts);
        let filled: f64 = rects.iter().map(|(_, _, width)| width).sum();
        assert!(
            (filled - (412.0 - 164.0) / 412.0 * 1000.0).abs() < 0.2,
            "{filled}"
        );
        for pair in rects.windows(2) {
            assert!(
                (pair[0].1 + pair[0].2 - pair[1].1).abs() < 0.01,
                "no gap: {pair:?}"
            );
        }
        assert!(widths(&EndingCounts::default()).is_empty());
    }
}
