#![expect(clippy::print_stdout, reason = "says which were read")]
//! The reader copes with photographs: the set is made by `examples/make_pictures`.

use std::fs;
use std::path::PathBuf;

/// Of 24 pictures at least 22.
const AT_LEAST: (usize, usize) = (22, 24);

#[test]
fn photographs_are_read() {
    let folder = std::env::var_os("QR_PICTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pictures")),
        PathBuf::from,
    );
    let list = fs::read_to_string(folder.join("offers.tsv")).unwrap();
    let (mut read, mut all) = (0, 0);
    for line in list.lines() {
        let (name, offer) = line.split_once('\t').unwrap();
        let started = std::time::Instant::now();
        let texts = qr::read(&fs::read(folder.join(name)).unwrap());
        let right = texts == Ok(vec![offer.to_owned()]);
        println!(
            "{} {name} {} ms",
            if right { "read  " } else { "UNREAD" },
            started.elapsed().as_millis()
        );
        read += usize::from(right);
        all += 1;
    }
    println!("{read} of {all} pictures were read");
    assert!(all >= 28);
    assert!(read * AT_LEAST.1 >= all * AT_LEAST.0, "only {read} of {all} pictures were read");
}
