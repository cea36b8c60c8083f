//! Lists on the portal's form: rows to fill in, and complaints beside the row.

use std::fs;

use axum::http::StatusCode;
use issuer::init::Purpose;
use serde_json::{Value, json};
use testkit::degrees::DEGREES;

use crate::browser::World;

const HEAD: &str = r#"
format = "dc+sd-jwt"
validity_days = 30
approval = "officer"

[[display]]
name = "Graduate"
locale = "en"
"#;

const YEAR: &str = r#"
[[claims]]
path = ["degrees", "*", "year"]
type = "integer"
label = { en = "Year" }
"#;

#[tokio::test]
async fn an_applicant_fills_in_as_many_rows_as_there_are() {
    let world = World::new("https://issuer.example", Purpose::Service, |config| {
        let degrees = DEGREES.replacen("\"list\"", "\"list\"\nrequired = true", 1);
        let graduate = format!("{HEAD}{degrees}{YEAR}");
        fs::write(config.credentials.join("graduate.toml"), graduate).unwrap();
    });
    let mut browser = world.browser().with("accept-language", "en");
    let page = browser.get("/apply/graduate").await;
    for shown in ["name=\"degrees.0.title\"", "name=\"degrees.4.year\"", "Degree 1", "Degree 5"] {
        assert!(page.text().contains(shown), "{shown} in {}", page.text());
    }
    let csrf = page.csrf();
    let wrong = format!("degrees.2.title=MSc&degrees.2.year=soon&csrf={csrf}");
    let page = browser.post("/apply/graduate", &wrong).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    for shown in ["value=\"MSc\"", "value=\"soon\"", "href=\"#field-degrees-2-year\""] {
        assert!(page.text().contains(shown), "{shown} in {}", page.text());
    }
    let nothing = browser.post("/apply/graduate", &format!("csrf={csrf}")).await;
    assert!(nothing.text().contains("href=\"#field-degrees-0-title\""), "{}", nothing.text());
    browser.apply("graduate", "degrees.0.title=BSc&degrees.2.title=MSc&degrees.2.year=2020").await;
    let [applied] = &world.applications().await[..] else { panic!("one application") };
    let degrees = json!([{ "title": "BSc" }, { "title": "MSc", "year": 2020 }]);
    assert_eq!(Value::Object(applied.claims.clone()), json!({ "degrees": degrees }));
}
