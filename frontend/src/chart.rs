//! Deliveries over time, as a drawing whose every bar is a link. Who counts gives numbers; what is drawn is worked out
//! here. The drawing is for the eye only: the sentence and the table say the same.

use crate::format::{self, Moment};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 190.0;
/// Where the bars begin and end.
const LEFT: f64 = 46.0;
const RIGHT: f64 = 716.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 164.0;
/// About so many labels fit below.
const LABELS: usize = 7;

/// One stretch of time of a chart.
#[derive(Clone, Debug, Default)]
pub struct Bucket {
    pub from: Moment,
    /// Below the bar and in the table: `14:00`.
    pub label: String,
    /// At the first try.
    pub delivered: u64,
    /// Delivered as well, after more than one try.
    pub retried: u64,
    /// Given up.
    pub dead: u64,
    /// The list of what is counted here.
    pub href: String,
}

impl Bucket {
    /// Its numbers as the table shows them, each with its heading.
    #[must_use]
    pub fn counts(&self) -> [(&'static str, String); 3] {
        [("Delivered", self.delivered), ("Retried", self.retried), ("Dead", self.dead)]
            .map(|(heading, number)| (heading, format::count(number)))
    }

    /// All of them together.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.delivered.saturating_add(self.retried).saturating_add(self.dead)
    }
}

/// A chart of deliveries.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// `Deliveries, last 24 hours`.
    pub title: String,
    /// From old to new.
    pub buckets: Vec<Bucket>,
}

/// A chart as shapes. Numbers are ready for attributes.
#[derive(Debug)]
pub struct Drawing {
    pub view_box: String,
    pub left: String,
    pub right: String,
    pub ticks: Vec<Tick>,
    pub bars: Vec<Bar>,
    /// `y` of the labels below.
    pub label_y: String,
}

/// A line across, and its number.
#[derive(Debug)]
pub struct Tick {
    pub y: String,
    pub text_y: String,
    pub text: String,
}

#[derive(Debug)]
pub struct Bar {
    pub href: String,
    /// Shown when the pointer rests on it.
    pub title: String,
    pub x: String,
    pub middle: String,
    pub width: String,
    /// Empty when this bar carries no label.
    pub label: String,
    pub parts: Vec<Part>,
}

/// The part of a bar that one state takes.
#[derive(Debug)]
pub struct Part {
    /// The end of a class name: `delivered`, `retried`, `dead`.
    pub class: &'static str,
    pub y: String,
    pub height: String,
}

impl Chart {
    #[must_use]
    pub fn of(title: impl Into<String>, buckets: Vec<Bucket>) -> Self {
        Self { title: title.into(), buckets }
    }

    /// What the drawing shows, for who does not see it.
    #[must_use]
    pub fn sentence(&self) -> String {
        let sum = |part: fn(&Bucket) -> u64| self.buckets.iter().map(part).fold(0, u64::saturating_add);
        let (delivered, retried, dead) = (sum(|b| b.delivered), sum(|b| b.retried), sum(|b| b.dead));
        let total = sum(Bucket::total);
        if total == 0 {
            return "No deliveries ended in this time.".to_owned();
        }
        let of = [(delivered, "delivered"), (retried, "delivered after a retry"), (dead, "dead")];
        let parts = of.iter().filter(|(number, _)| *number > 0);
        let parts: Vec<String> = parts.map(|(number, word)| format!("{} {word}", format::count(*number))).collect();
        let mut text = format!("{}: {}.", format::counted(total, "delivery", "deliveries"), parts.join(", "));
        if let Some(worst) = self.buckets.iter().max_by_key(|bucket| bucket.dead).filter(|bucket| bucket.dead > 0) {
            text += &format!(" Most were given up at {}: {}.", worst.label, format::count(worst.dead));
        }
        text
    }

    #[must_use]
    pub fn drawing(&self) -> Drawing {
        let top = scale(self.buckets.iter().map(Bucket::total).max().unwrap_or_default());
        let step = (RIGHT - LEFT) / self.buckets.len().max(1) as f64;
        let every = self.buckets.len().div_ceil(LABELS).max(1);
        let bar = |(place, bucket): (usize, &Bucket)| {
            let label = if place % every == 0 { bucket.label.clone() } else { String::new() };
            bar(bucket, label, LEFT + step * place as f64, step, top)
        };
        Drawing {
            view_box: format!("0 0 {WIDTH} {HEIGHT}"),
            left: number(LEFT),
            right: number(RIGHT),
            ticks: [0, top / 2, top].map(|value| tick(value, top)).into(),
            bars: self.buckets.iter().enumerate().map(bar).collect(),
            label_y: number(BOTTOM + 18.0),
        }
    }
}

fn bar(bucket: &Bucket, label: String, left: f64, step: f64, top: u64) -> Bar {
    let gap = (step * 0.2).min(4.0);
    let mut floor = 0;
    let mut parts = Vec::new();
    for (class, value) in [("delivered", bucket.delivered), ("retried", bucket.retried), ("dead", bucket.dead)] {
        if value > 0 {
            let (y, bottom) = (y_of(floor + value, top), y_of(floor, top));
            // One of a million is still something to see.
            let height = (bottom - y).max(1.5);
            parts.push(Part { class, y: number(bottom - height), height: number(height) });
            floor += value;
        }
    }
    let counts = format!("{} delivered, {} after a retry, {} dead", bucket.delivered, bucket.retried, bucket.dead);
    Bar {
        href: bucket.href.clone(),
        title: format!("{}: {counts}", bucket.label),
        x: number(left + gap / 2.0),
        middle: number(left + step / 2.0),
        width: number(step - gap),
        label,
        parts,
    }
}

fn tick(value: u64, top: u64) -> Tick {
    let y = y_of(value, top);
    Tick { y: number(y), text_y: number(y + 4.0), text: format::count(value) }
}

fn y_of(value: u64, top: u64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * value as f64 / top as f64
}

/// The number at the top of the axis: 2, 4 or 10 times a power of ten, so that its half is a number people say.
fn scale(largest: u64) -> u64 {
    let mut power = 1_u64;
    loop {
        let fits = [2, 4, 10].map(|factor| power.saturating_mul(factor)).into_iter().find(|top| *top >= largest);
        match fits {
            Some(top) => return top,
            None => power = power.saturating_mul(10),
        }
    }
}

/// One decimal is a tenth of a pixel.
fn number(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(delivered: u64, retried: u64, dead: u64) -> Bucket {
        Bucket { label: "14:00".to_owned(), delivered, retried, dead, ..Bucket::default() }
    }

    #[test]
    fn the_axis_ends_at_a_round_number() {
        let all = [0, 1, 2, 3, 5, 11, 21, 41, 101, 1_204].map(scale);
        assert_eq!(all, [2, 2, 2, 4, 10, 20, 40, 100, 200, 2_000]);
        assert_eq!(scale(u64::MAX), u64::MAX);
    }

    #[test]
    fn parts_stand_on_each_other_and_the_smallest_is_seen() {
        let drawing = Chart::of("t", vec![bucket(1_000_000, 0, 1), bucket(0, 0, 0)]).drawing();
        let parts = &drawing.bars[0].parts;
        assert_eq!(parts.iter().map(|part| part.class).collect::<Vec<_>>(), ["delivered", "dead"]);
        assert_eq!(parts[1].height, "1.5");
        assert!(drawing.bars[1].parts.is_empty());
        assert_eq!(drawing.ticks.last().map(|tick| tick.y.as_str()), Some("10.0"));
    }

    #[test]
    fn the_sentence_says_what_is_drawn() {
        let text = Chart::of("t", vec![bucket(8, 1, 0), bucket(0, 0, 3)]).sentence().replace('\u{202f}', " ");
        assert_eq!(
            text,
            "12 deliveries: 8 delivered, 1 delivered after a retry, 3 dead. Most were given up at 14:00: 3."
        );
        assert_eq!(Chart::default().sentence(), "No deliveries ended in this time.");
    }
}
