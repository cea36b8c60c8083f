//! RFC 6749 §3.3 as a table: what a token is not good for, of the scope that was asked for.

use oid4vci::token::ReceivedTokenResponse;
use serde_json::{Value, json};

#[test]
fn a_wallet_sees_which_scope_was_not_granted() {
    let cases = [
        ("RFC 6749 §5.1: absent means all", Value::Null, vec!["card", "diploma"], vec![]),
        ("the same", json!("diploma card"), vec!["card", "diploma"], vec![]),
        ("more", json!("card openid"), vec!["card"], vec![]),
        ("less", json!("card"), vec!["card", "diploma"], vec!["diploma"]),
        ("nothing", json!(""), vec!["card"], vec!["card"]),
        ("a part of a name", json!("cards"), vec!["card"], vec!["card"]),
        ("in another case", json!("Card"), vec!["card"], vec!["card"]),
        ("asked for in another way", json!("openid"), vec![], vec![]),
    ];
    for (rule, scope, asked, missing) in cases {
        let answer = json!({ "access_token": "t", "token_type": "Bearer", "scope": scope });
        let token = ReceivedTokenResponse::parse(answer.to_string().as_bytes()).unwrap();
        let asked: Vec<String> = asked.into_iter().map(str::to_owned).collect();
        assert_eq!(token.ungranted(&asked), missing, "{rule}");
    }
}
