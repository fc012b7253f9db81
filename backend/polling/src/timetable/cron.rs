//! Cron expressions in a time zone.
//!
//! Five fields, or six with seconds first; no years; `@daily` and the like. Day of month and day of week both given:
//! either is enough, as cron has it. The matching of fields is croner's, over local times without any zone; what a local
//! time is as an instant is decided here:
//!
//! * a local time that the zone leaves out, as clocks go forward, counts at the first instant after the gap;
//! * a local time that comes twice, as clocks go back, counts the first time;
//! * but an expression for every hour of the day goes on through the repeated hour: it asks for an event each so often,
//!   and an hour of silence would not be that.
//!
//! Instants that fall together count once.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};
use croner::parser::{CronParser, Seconds, Year};
use postern_domain::{Invalid, Timestamp};

const MAX_BYTES: usize = 200;
/// The longest that clocks of this century were set back is three hours: so many seconds may come twice.
const MAX_REPEATED: usize = 4 * 3_600;
/// How far the search for a change of the clocks steps at once. Two changes lie further apart.
const STEP_S: i64 = 24 * 3_600;

#[derive(Clone, Debug)]
pub struct Cron {
    fields: croner::Cron,
    zone: Tz,
    is_hourly: bool,
}

impl Cron {
    /// # Errors
    /// When the text is no cron expression; the message names `field`.
    pub fn parse(field: &str, text: &str, zone: Tz) -> Result<Self, Invalid> {
        if text.len() > MAX_BYTES {
            return Err(Invalid::new(field, format!("may have at most {MAX_BYTES} bytes")));
        }
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let fields = parser.parse(text).map_err(|cause| {
            let form = "must have five fields, `minute hour day month weekday`, or six with seconds first";
            Invalid::new(field, format!("{form}: {cause}"))
        })?;
        let is_hourly = (0..24).all(|hour| fields.pattern.hour_match(hour).unwrap_or(false));
        Ok(Self { fields, zone, is_hourly })
    }

    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let after = DateTime::<Utc>::from_timestamp(after.as_secs(), 0)?;
        let found = if self.is_hourly { self.next_passing(after) } else { self.next_once(after) }?;
        Some(Timestamp::from_secs(found.timestamp()))
    }

    /// Each local time once.
    fn next_once(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut local = self.local(after);
        for _ in 0..MAX_REPEATED {
            local = self.matching(local)?;
            let at = self.first_instant(local)?;
            if at > after {
                return Some(at);
            }
        }
        None
    }

    /// Each instant whose local time matches, through one stretch of unchanged clocks after the other.
    fn next_passing(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (mut from, mut before) = (after, self.local(after));
        for _ in 0..MAX_REPEATED {
            let shift = self.local(from) - from.naive_utc();
            let local = self.matching(before)?;
            let at = (local - shift).and_utc();
            let Some(change) = self.first_change(from, at) else { return Some(at) };
            let clock = self.local(change);
            // What matched lies in the gap, or is the first moment behind it.
            if (change.naive_utc() + shift..=clock).contains(&local) {
                return Some(change);
            }
            (from, before) = (change, clock - TimeDelta::seconds(1));
        }
        None
    }

    fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.zone).naive_local()
    }

    /// The next local time that the fields name. Croner is asked in UTC, where no time is missing and none comes twice.
    fn matching(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        self.fields.find_next_occurrence(&after.and_utc(), false).ok().map(|found| found.naive_utc())
    }

    fn first_instant(&self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let at = match self.zone.from_local_datetime(&local) {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => at,
            MappedLocalTime::None => GapInfo::new(&local, &self.zone)?.end?,
        };
        Some(at.with_timezone(&Utc))
    }

    /// The first second after `from`, up to `to`, from which on the clocks show another offset.
    fn first_change(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let shift = |at: i64| {
            let at = DateTime::<Utc>::from_timestamp(at, 0)?;
            Some(self.local(at) - at.naive_utc())
        };
        let (mut low, to, known) = (from.timestamp(), to.timestamp(), shift(from.timestamp())?);
        while low < to {
            let mut high = (low + STEP_S).min(to);
            if shift(high)? == known {
                low = high;
                continue;
            }
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if shift(middle)? == known { low = middle } else { high = middle }
            }
            return DateTime::from_timestamp(high, 0);
        }
        None
    }
}
