//! Amounts as integers of minor units, from whatever a provider writes. Nothing is rounded: what has no exact minor units
//! does not fit.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::currency;

/// Beyond this JSON readers in other languages lose digits.
const LARGEST: i128 = 9_007_199_254_740_991;

/// Exponents by which a provider's own minor units differ from those of ISO 4217.
pub(crate) type Exponents = BTreeMap<String, u8>;

/// The code in upper case, if ISO 4217 has it.
pub(crate) fn code(value: &Value) -> Result<String, String> {
    let text = value.as_str().ok_or_else(|| "is not a text".to_owned())?.trim().to_ascii_uppercase();
    match currency::exponent(&text) {
        Some(_) => Ok(text),
        None => Err(format!("is `{}`, which is not in ISO 4217", shown(&text))),
    }
}

/// From an amount in the provider's minor units: an integer, as a number or a text.
pub(crate) fn from_minor(value: &Value, currency: &str, exponents: &Exponents) -> Result<i64, String> {
    let theirs = exponents.get(currency).copied();
    from_decimal(value, currency, theirs.map_or(Unit::Minor, Unit::Power))
}

/// From an amount in major units: `19.99`, as a text or a number.
pub(crate) fn from_major(value: &Value, currency: &str) -> Result<i64, String> {
    from_decimal(value, currency, Unit::Power(0))
}

/// What the number counts.
#[derive(Clone, Copy)]
enum Unit {
    /// The minor unit of ISO 4217.
    Minor,
    /// A tenth of a major unit, so many times.
    Power(u8),
}

fn from_decimal(value: &Value, currency: &str, unit: Unit) -> Result<i64, String> {
    let exponent = currency::exponent(currency).ok_or_else(|| format!("`{currency}` is not in ISO 4217"))?;
    let theirs = match unit {
        Unit::Minor => exponent,
        Unit::Power(power) => power,
    };
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err("is neither a number nor a text".to_owned()),
    };
    let shift = i32::from(exponent) - i32::from(theirs);
    let minor = shifted(&text, shift)
        .ok_or_else(|| format!("is `{}`, which is no whole number of minor units of {currency}", shown(&text)))?;
    if minor.abs() > LARGEST {
        return Err(format!("is `{}`, which is too large", shown(&text)));
    }
    i64::try_from(minor).map_err(|_| "is too large".to_owned())
}

/// A decimal number times ten to the power of `shift`, if that is a whole number.
fn shifted(text: &str, shift: i32) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit());
    if whole.is_empty() || whole.len() > 18 || fraction.len() > 18 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let number: i128 = format!("{whole}{fraction}").parse().ok()?;
    let places = shift - i32::try_from(fraction.len()).ok()?;
    let power = 10_i128.checked_pow(places.unsigned_abs())?;
    let moved = if places >= 0 {
        number.checked_mul(power)?
    } else if number % power == 0 {
        number / power
    } else {
        return None;
    };
    Some(if negative { -moved } else { moved })
}

/// Short enough for a reason.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn major_units_become_minor_units_by_the_currency() {
        let table = [
            (json!("19.99"), "EUR", 1999),
            (json!("19.9"), "EUR", 1990),
            (json!("19"), "EUR", 1900),
            (json!("19.990000"), "EUR", 1999),
            (json!("0.05"), "USD", 5),
            (json!("-3.50"), "USD", -350),
            (json!("1999"), "JPY", 1999),
            (json!("1999.00"), "JPY", 1999),
            (json!("1.999"), "KWD", 1999),
            (json!("1.5"), "BHD", 1500),
            (json!("1000"), "HUF", 100_000),
            (json!("0.0001"), "CLF", 1),
            (json!(19.99), "EUR", 1999),
            (json!(0.1), "EUR", 10),
            (json!(-3), "EUR", -300),
            (json!("90071992547409.91"), "EUR", 9_007_199_254_740_991),
        ];
        for (value, currency, expected) in table {
            assert_eq!(from_major(&value, currency), Ok(expected), "{value} {currency}");
        }
    }

    #[test]
    fn what_has_no_exact_minor_units_does_not_fit() {
        let table = [
            (json!("19.999"), "EUR"),
            (json!("19.5"), "JPY"),
            (json!("1,50"), "EUR"),
            (json!("1e3"), "EUR"),
            (json!(""), "EUR"),
            (json!("."), "EUR"),
            (json!(".5"), "EUR"),
            (json!("--1"), "EUR"),
            (json!("+1"), "EUR"),
            (json!("99999999999999999999999"), "EUR"),
            (json!("90071992547409.92"), "EUR"),
            (json!(null), "EUR"),
            (json!(true), "EUR"),
            (json!("1"), "XTR"),
        ];
        for (value, currency) in table {
            assert!(from_major(&value, currency).is_err(), "{value} {currency}");
        }
    }

    #[test]
    fn minor_units_stay_unless_the_provider_counts_otherwise() {
        let own = Exponents::from([("ISK".to_owned(), 2), ("MGA".to_owned(), 0), ("IDR".to_owned(), 0)]);
        let table = [
            (json!(1999), "EUR", Ok(1999)),
            (json!("1999"), "EUR", Ok(1999)),
            (json!(500), "JPY", Ok(500)),
            (json!(5120), "KWD", Ok(5120)),
            (json!(50_000), "ISK", Ok(500)),
            (json!(500), "MGA", Ok(50_000)),
            (json!(15_000), "IDR", Ok(1_500_000)),
        ];
        for (value, currency, expected) in table {
            assert_eq!(from_minor(&value, currency, &own), expected, "{value} {currency}");
        }
        assert!(from_minor(&json!(50_050), "ISK", &own).is_err(), "half a krona");
        assert!(from_minor(&json!(19.99), "EUR", &own).is_err());
    }

    #[test]
    fn a_currency_is_one_of_the_standard_in_upper_case() {
        assert_eq!(code(&json!("eur")), Ok("EUR".to_owned()));
        assert!(code(&json!("XTR")).is_err() && code(&json!(978)).is_err());
    }
}
