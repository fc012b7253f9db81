//! A value of a cursor: compared as what it means, sent back as the provider wrote it.

use std::cmp::Ordering;

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use postern_domain::Timestamp;
use serde_json::{Number, Value};

use crate::settings::CursorMode;

const NANOS_PER_S: i128 = 1_000_000_000;

#[derive(Clone, Debug, PartialEq)]
pub struct CursorValue {
    written: Value,
    rank: Rank,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rank {
    /// Nanoseconds since 1970.
    Instant(i128),
    Integer(i128),
    /// Equal or not, and nothing else.
    Token,
}

impl CursorValue {
    /// `None` when the value is not one of the mode.
    #[must_use]
    pub fn parse(mode: CursorMode, value: &Value) -> Option<Self> {
        let rank = match mode {
            CursorMode::None => return None,
            CursorMode::Timestamp => Rank::Instant(Moment::read(value)?.nanos),
            CursorMode::Integer => Rank::Integer(plain(value)?.parse().ok()?),
            CursorMode::Token => plain(value).map(|_| Rank::Token)?,
        };
        Some(Self { written: value.clone(), rank })
    }

    /// An instant, in the form of `like`, rounded down to what that form can say; RFC 3339 in UTC without one.
    #[must_use]
    pub fn at(at: Timestamp, like: Option<&Self>) -> Self {
        let nanos = i128::from(at.as_micros()) * 1_000;
        let form = like.and_then(|like| Moment::read(&like.written)).map_or(Form::UTC, |moment| moment.form);
        Self::of_moment(nanos, form)
            .unwrap_or_else(|| Self { written: Value::String(at.to_string()), rank: Rank::Instant(nanos) })
    }

    /// The same, as `other` is written, rounded down to what that can say; as it is, where it has but one form.
    #[must_use]
    pub(crate) fn in_form_of(&self, other: &Self) -> Self {
        match (self.rank, Moment::read(&other.written)) {
            (Rank::Instant(nanos), Some(moment)) => Self::of_moment(nanos, moment.form).unwrap_or_else(|| self.clone()),
            _ => self.clone(),
        }
    }

    fn of_moment(nanos: i128, form: Form) -> Option<Self> {
        let written = form.write(nanos)?;
        let rank = Moment::read(&written)?.nanos;
        Some(Self { written, rank: Rank::Instant(rank) })
    }

    #[must_use]
    pub const fn written(&self) -> &Value {
        &self.written
    }

    /// Of a timestamp.
    #[must_use]
    pub fn instant(&self) -> Option<Timestamp> {
        match self.rank {
            Rank::Instant(nanos) => i64::try_from(nanos.div_euclid(1_000)).ok().map(Timestamp::from_micros),
            Rank::Integer(_) | Rank::Token => None,
        }
    }

    /// `None` for what has no order: tokens, and values of different modes.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self.rank, other.rank) {
            (Rank::Instant(left), Rank::Instant(right)) | (Rank::Integer(left), Rank::Integer(right)) => {
                Some(left.cmp(&right))
            }
            _ => (self.written == other.written).then_some(Ordering::Equal),
        }
    }

    /// The number below it, in the same form: a request from the next number on then still lists this one. As it is, where
    /// it is no number.
    pub(crate) fn number_below(&self) -> Self {
        let Some(below) = self.below() else { return self.clone() };
        match (self.rank, &self.written) {
            (Rank::Integer(_), Value::String(_)) => {
                Self { written: below.to_string().into(), rank: Rank::Integer(below) }
            }
            (Rank::Integer(_), _) => {
                let written = below.to_string().parse().map_or_else(|_| self.written.clone(), Value::Number);
                Self { written, rank: Rank::Integer(below) }
            }
            _ => Moment::read(&self.written)
                .and_then(|moment| Self::of_moment(below, moment.form))
                .unwrap_or_else(|| self.clone()),
        }
    }

    /// Of a whole number the one below; of an instant that is written as a number, the nanosecond before.
    fn below(&self) -> Option<i128> {
        match self.rank {
            Rank::Integer(number) => number.checked_sub(1),
            Rank::Instant(nanos) => matches!(Moment::read(&self.written)?.form, Form::Unix { .. }).then_some(nanos - 1),
            Rank::Token => None,
        }
    }

    /// In the same form, rounded down; `None` for what is no instant, or would lie before the first one.
    pub(crate) fn earlier_by_s(&self, seconds: u32) -> Option<Value> {
        let moment = Moment::read(&self.written)?;
        moment.form.write(moment.nanos - i128::from(seconds) * NANOS_PER_S)
    }
}

/// Which of two versions is the later; `None` where that cannot be told: an ETag, a revision by hash.
#[must_use]
pub(crate) fn compare_versions(left: &str, right: &str) -> Option<Ordering> {
    if left == right {
        return Some(Ordering::Equal);
    }
    if let (Some(left), Some(right)) = (decimal(left), decimal(right)) {
        return Some(left.cmp(&right));
    }
    let moment = |text: &str| Moment::read_text(text).map(|moment| moment.nanos);
    Some(moment(left)?.cmp(&moment(right)?))
}

/// Whether a version is of a kind that can be ordered.
#[must_use]
pub(crate) fn is_ordered_version(version: &str) -> bool {
    decimal(version).is_some() || Moment::read_text(version).is_some()
}

/// Digits before and behind the point, comparable; the sign does not occur in versions.
fn decimal(text: &str) -> Option<(usize, &str, &str)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    Some((whole.len(), whole, fraction.trim_end_matches('0')))
}

/// The text of a text, the digits of a number.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

struct Moment {
    nanos: i128,
    form: Form,
}

/// How an instant is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `2026-03-14T09:26:53.120+01:00`.
    Date { separator: char, digits: usize, zone: Zone },
    /// `2026-03-14`.
    Day,
    /// Since 1970, with so many digits behind the point.
    Unix { per_s: i128, digits: usize, is_text: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    /// Nothing is said: UTC.
    Silent,
    Zulu(char),
    Offset {
        seconds: i32,
        colon: bool,
    },
}

impl Moment {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::read_text(text),
            Value::Number(number) => Self::read_unix(&number.to_string(), false),
            _ => None,
        }
    }

    fn read_text(text: &str) -> Option<Self> {
        if text.len() > 40 || !text.is_ascii() {
            return None;
        }
        if text.len() == 10 && text.as_bytes().get(4) == Some(&b'-') {
            let day: NaiveDate = text.parse().ok()?;
            return Some(Self { nanos: nanos(&day.and_time(NaiveTime::MIN).and_utc())?, form: Form::Day });
        }
        Self::read_date(text).or_else(|| Self::read_unix(text, true))
    }

    fn read_date(text: &str) -> Option<Self> {
        let separator = text.chars().nth(10).filter(|letter| matches!(letter, 'T' | 't' | ' '))?;
        let (clock, mut rest) = text.split_at_checked(19)?;
        let mut local = NaiveDateTime::parse_from_str(&clock.replace(separator, "T"), "%Y-%m-%dT%H:%M:%S").ok()?;
        let mut digits = 0;
        if let Some(fraction) = rest.strip_prefix('.') {
            digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            let padded: String = fraction.chars().take(digits).chain("000000000".chars()).take(9).collect();
            local += Duration::nanoseconds(padded.parse().ok().filter(|_| digits > 0)?);
            rest = &fraction[digits..];
        }
        let zone = Zone::read(rest)?;
        let nanos = nanos(&local.and_utc())? - i128::from(zone.seconds()) * NANOS_PER_S;
        Some(Self { nanos, form: Form::Date { separator, digits, zone } })
    }

    /// Seconds, or what a number that large can only be: milli-, micro- or nanoseconds.
    fn read_unix(text: &str, is_text: bool) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let all_digits = whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 19 || fraction.len() > 9 || !all_digits {
            return None;
        }
        let per_s = match whole.len() {
            ..=11 => 1,
            12..=14 => 1_000,
            15..=17 => 1_000_000,
            _ => NANOS_PER_S,
        };
        let scale = NANOS_PER_S / per_s;
        let parts: i128 = format!("{fraction:0<9}").parse().ok()?;
        let nanos = whole.parse::<i128>().ok()? * scale + parts * scale / NANOS_PER_S;
        Some(Self { nanos, form: Form::Unix { per_s, digits: fraction.len(), is_text } })
    }
}

impl Form {
    const UTC: Self = Self::Date { separator: 'T', digits: 0, zone: Zone::Zulu('Z') };

    fn write(self, nanos: i128) -> Option<Value> {
        match self {
            Self::Date { separator, digits, zone } => {
                let local = nanos + i128::from(zone.seconds()) * NANOS_PER_S;
                let at = instant(local)?;
                let clock = at.format("%Y-%m-%dT%H:%M:%S").to_string().replace('T', &separator.to_string());
                let fraction = format!("{:09}", local.rem_euclid(NANOS_PER_S));
                let fraction: String = fraction.chars().chain("000000".chars()).take(digits).collect();
                let point = if digits > 0 { "." } else { "" };
                Some(Value::String(format!("{clock}{point}{fraction}{}", zone.write())))
            }
            Self::Day => Some(Value::String(instant(nanos)?.format("%Y-%m-%d").to_string())),
            Self::Unix { per_s, digits, is_text } => {
                let scale = NANOS_PER_S / per_s;
                let (whole, rest) = (nanos.div_euclid(scale), nanos.rem_euclid(scale));
                let fraction = format!("{:09}", rest * per_s);
                let point = if digits > 0 { "." } else { "" };
                let text = format!("{whole}{point}{}", &fraction[..digits.min(9)]);
                let number = if is_text { None } else { text.parse::<Number>().ok() };
                (nanos >= 0).then(|| number.map_or(Value::String(text), Value::Number))
            }
        }
    }
}

impl Zone {
    fn read(text: &str) -> Option<Self> {
        match text {
            "" => Some(Self::Silent),
            "Z" => Some(Self::Zulu('Z')),
            "z" => Some(Self::Zulu('z')),
            _ => {
                let offset =
                    DateTime::parse_from_str(&format!("2000-01-01T00:00:00{text}"), "%Y-%m-%dT%H:%M:%S%z").ok()?;
                Some(Self::Offset { seconds: offset.offset().local_minus_utc(), colon: text.contains(':') })
            }
        }
    }

    const fn seconds(self) -> i32 {
        match self {
            Self::Silent | Self::Zulu(_) => 0,
            Self::Offset { seconds, .. } => seconds,
        }
    }

    fn write(self) -> String {
        match self {
            Self::Silent => String::new(),
            Self::Zulu(letter) => letter.to_string(),
            Self::Offset { seconds, colon } => {
                let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
                format!("{sign}{:02}{}{:02}", minutes / 60, if colon { ":" } else { "" }, minutes % 60)
            }
        }
    }
}

fn nanos(at: &DateTime<Utc>) -> Option<i128> {
    Some(i128::from(at.timestamp()) * NANOS_PER_S + i128::from(at.timestamp_subsec_nanos()))
}

fn instant(nanos: i128) -> Option<DateTime<Utc>> {
    let seconds = i64::try_from(nanos.div_euclid(NANOS_PER_S)).ok()?;
    DateTime::from_timestamp(seconds, u32::try_from(nanos.rem_euclid(NANOS_PER_S)).ok()?)
}
