//! Algorithms of tokens whose signing the library at hand cannot do: signed with OpenSSL, by the keys of these tests.

use serde_json::json;

use super::{jwt::fusionauth_by, keys::PUBLIC_PEM};
use crate::RefusalCause;

const PS256: &str = "eyJhbGciOiAiUFMyNTYiLCAia2lkIjogImsxIn0.eyJyZXF1ZXN0X2JvZHlfc2hhMjU2IjogInNZR0o5MTkxcGVZTnVUdHZwR2s4\
     R3UrZmZwK21BMzBuUmRJWWkzY2NhS1k9In0.bvYZgW-OVzZfW3_ZZYiGrOKwzKEMF8a69MSukNlp25DCgOMzobdPS7493RbsyF4H\
     DJdEZ1IJuMGMb9bJYm1D3-7Ay7ju4V16osUCtJZ50uzJ-VHpHS6VWk1pLjPIKlUoiddHs9snveQEXHpsUDzC-8lFkswHTxiqifxl\
     5JU9J1dMZTNdqsjErXZggM4mQZxIR4Z2HyreWfKght2MqOiszr-oAOiOARAG1e9_Wwq8ir8pOj-Wg17bEQp62_xHoFPvjwwGMrq6\
     sONs2rz0Zg-vFlzIPi-WcHAWft0mSlpus-HjPElC-pQ0OgtMav9dJXSTySHyvXJUbPPbhPYwWE1XpA";

const PS384: &str = "eyJhbGciOiAiUFMzODQiLCAia2lkIjogImsxIn0.eyJyZXF1ZXN0X2JvZHlfc2hhMjU2IjogInNZR0o5MTkxcGVZTnVUdHZwR2s4\
     R3UrZmZwK21BMzBuUmRJWWkzY2NhS1k9In0.qbpRz9BL1gljTwY2r48cuLXB3568-Ten8n9ERh5zpPNF9bf4trfyaY7ZTYXdmJZo\
     wK6V6h9WCFQn0C57eaKzsKvKhawhozhiDYOIVfUdfHYmkSzg2M3ixiv9PHsOhNHQiMPG9h4MAOjz58ZPPO5CyOp5VYn0J7fnemOv\
     _D9ferLW-rMisi8sz0pIAdUU-9SbyD3rigI1gJaeIkf9zjpaOsmRSDQXOTYbs29e3uEFYu9uN0XwekitphHLv35gjS0svik0XT0I\
     kETZQI_4PYQ1xiCZal0LPposbap9A-h7_8WFjEu7Y-AfNz5mljw4oFNr5_bcr2kpbm3x8eA9C8iKzg";

const PS512: &str = "eyJhbGciOiAiUFM1MTIiLCAia2lkIjogImsxIn0.eyJyZXF1ZXN0X2JvZHlfc2hhMjU2IjogInNZR0o5MTkxcGVZTnVUdHZwR2s4\
     R3UrZmZwK21BMzBuUmRJWWkzY2NhS1k9In0.Ikur3Pjf_e1LC7r691XlGSCrPXtGYCpvcmRTp6FSKWUyxpVa05UNk3maJpR6UkRu\
     QE2FCI8ew1jQD1dLKHLFHTrjZrJVNUSaAfKymogwb29wI8g3ApdQzDkeRQjAL6aanDhJGqafaq9MXsD7n_DjLy8ZY8TBYrPJw6_i\
     P_mEm3G_Xc7FJJnELb1wn0kthDdX05T4T2I30NuLJwXRBRcV7Z03rlHgBRxltO9iEIHKTGSVPTy8cxehccmWfD1_WNzUO_53SV6M\
     K40CfgZOjsrwUGQi2BYKddCsZ0E7KAXRXRWvTc6ufT5F0TzY9wN8dJHZ_eh-qJFDHdxYTDqMzkN5-Q";

const ES512: &str = "eyJhbGciOiAiRVM1MTIiLCAia2lkIjogImsxIn0.eyJyZXF1ZXN0X2JvZHlfc2hhMjU2IjogInNZR0o5MTkxcGVZTnVUdHZwR2s4\
     R3UrZmZwK21BMzBuUmRJWWkzY2NhS1k9In0.AL2e8NRT6clnCpEguPnu32DzibivUM4M_X0nxyX0vqdnv0OUFtcQ8LZ6biHboibk\
     4vEfRNKm3-VEz5YeKnWofJeyAJNf9L_gggmuqauhup6jYrDCLIReofXheSsCUlP72F264CzArowQJLY28DpRdqkUZ2t8F4tjgFFC\
     svLrDv8TsOnj";

const UNSALTED: &str = "eyJhbGciOiAiUFMyNTYiLCAia2lkIjogImsxIn0.eyJyZXF1ZXN0X2JvZHlfc2hhMjU2IjogInNZR0o5MTkxcGVZTnVUdHZwR2s4\
     R3UrZmZwK21BMzBuUmRJWWkzY2NhS1k9In0.CLaMm83btRL9U5WoY2CDT4uKTw49to0YrPRTMozcPRqK8XFRO4ossW9jZb5pn4sz\
     zlAi4KQVvDOHkNnrJT4vMBkNiGgTtcFsmiWDWFofpvjJ3WY7xFaB1w8Eg4lgi0KWsU0ChdDnvp0s895Vw0thq52OO9MB49a4H17O\
     pNsEilAhnYjS8WlVK-FKnknZM_4zkt4a7yvMCWBnA4kVf34uX2sWyl2H_8Y1Y0AFSO6Dpq9s2pt2T4fzvxLp6gZD8lPFkXTJXl7V\
     DT2jsmyMk135IdB0W-rQ_8it2xhx_mYR5sNTBAnIlc0egyKBDHLi4upTjA5kxeYq7MQOTIx06qEB7Q";

const P521_PEM: &str = "-----BEGIN PUBLIC KEY-----
MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAoR/wHZV0NIl5GNgH0tQsEagOsOem
seJcQubkMvn17L1rJKddwASi+DDDxtXIwrxab4jJPjnbGU+moxdOBKtmaKwB9KI7
W7bo0+0PwnFaEu809KEOW1dKuLWi12V50Asl1b5TisHsl5nfj0t3JLxjsvgiJWRv
xGlad7wKIyNj3z0A/KA=
-----END PUBLIC KEY-----
";

fn p521_jwk() -> String {
    let [x, y] = [
        "AKEf8B2VdDSJeRjYB9LULBGoDrDnprHiXELm5DL59ey9aySnXcAEovgww8bVyMK8Wm-IyT452xlPpqMXTgSrZmis",
        "AfSiO1u26NPtD8JxWhLvNPShDltXSri1otdledALJdW-U4rB7JeZ349LdyS8Y7L4IiVkb8RpWne8CiMjY989APyg",
    ];
    json!({"kty": "EC", "crv": "P-521", "kid": "k1", "x": x, "y": y}).to_string()
}

#[test]
fn tokens_may_be_signed_with_salt_and_on_the_largest_curve() {
    let jwk = p521_jwk();
    let all = [(PS256, PUBLIC_PEM), (PS384, PUBLIC_PEM), (PS512, PUBLIC_PEM), (ES512, P521_PEM), (ES512, jwk.as_str())];
    for (token, key) in all {
        let genuine = fusionauth_by(&[], &[key], token);
        assert!(genuine.is_accepted(), "{token}");
        assert_eq!(genuine.replacing("e1", "e2").cause(), RefusalCause::SignatureMismatch, "{token}");
        let other = if key == PUBLIC_PEM { P521_PEM } else { PUBLIC_PEM };
        assert_eq!(fusionauth_by(&[], &[other], token).cause(), RefusalCause::SignatureMismatch, "{token}");
        let (signed, signature) = token.rsplit_once('.').expect("parts");
        let first = if signature.starts_with('A') { "B" } else { "A" };
        for signature in [format!("{first}{}", &signature[1..]), String::new(), "AA".repeat(88)] {
            let altered = fusionauth_by(&[], &[key], &format!("{signed}.{signature}"));
            assert_eq!(altered.cause(), RefusalCause::SignatureMismatch, "{signature}");
        }
    }
}

#[test]
fn a_salt_is_as_long_as_the_hash() {
    assert_eq!(fusionauth_by(&[], &[PUBLIC_PEM], UNSALTED).cause(), RefusalCause::SignatureMismatch);
}
