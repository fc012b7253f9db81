//! Currencies of ISO 4217 and how many decimals their minor unit has.

/// With another exponent than 2.
const EXPONENTS: &[(&str, u8)] = &[
    ("BHD", 3),
    ("BIF", 0),
    ("CLF", 4),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("RWF", 0),
    ("TND", 3),
    ("UGX", 0),
    ("UYI", 0),
    ("UYW", 4),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
];

/// With exponent 2. Funds codes, metals and test codes are not money that a provider reports; what was withdrawn in the
/// last years still comes in refunds.
const HUNDREDTHS: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD \
    CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG \
    HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN \
    MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD \
    SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ZWL";

/// The exponent of a code in upper case; `None` when ISO 4217 has no such currency.
pub(crate) fn exponent(code: &str) -> Option<u8> {
    let other = EXPONENTS.iter().find(|(known, _)| *known == code).map(|(_, exponent)| *exponent);
    other.or_else(|| HUNDREDTHS.split(' ').any(|known| known == code).then_some(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_currency_stands_once() {
        let mut all: Vec<&str> = EXPONENTS.iter().map(|(code, _)| *code).chain(HUNDREDTHS.split(' ')).collect();
        assert!(all.iter().all(|code| code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_uppercase())));
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn exponents_are_those_of_the_standard() {
        let table = [("EUR", 2), ("USD", 2), ("MGA", 2), ("JPY", 0), ("ISK", 0), ("UGX", 0), ("KWD", 3), ("CLF", 4)];
        for (code, expected) in table {
            assert_eq!(exponent(code), Some(expected), "{code}");
        }
        for code in ["BTC", "USDC", "XTR", "XAU", "eur", "", "EU"] {
            assert_eq!(exponent(code), None, "{code}");
        }
    }
}
