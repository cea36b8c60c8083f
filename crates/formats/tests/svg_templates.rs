//! Pictures of whole cards (SD-JWT VC §8.1.2): what is harmless is filled, all else is refused.

use formats::type_metadata::{
    ColorScheme, Contrast, Look, Orientation, SVG_BYTES_MAX, SvgFault, SvgTemplate, TypeFault,
    sha256,
};

fn svg(inside: &str) -> String {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' \
         width='340' height='214'>{inside}</svg>"
    )
}

fn read(inside: &str) -> Result<SvgTemplate, SvgFault> {
    SvgTemplate::read(svg(inside).as_bytes()).map_err(|mistake| mistake.fault)
}

/// The example of the specification, and what a program for drawing writes.
#[test]
fn values_stand_where_their_names_stood() {
    let template = read(
        "<!-- a card --><style>.a { fill: rgb(0, 0, 0) } @media (prefers-color-scheme: dark) { .a { \
         fill: url(#g) } }</style><linearGradient id='g'><stop offset='0'/></linearGradient>\
         <image href='data:image/png;base64,AA' width='1' height='1'/>\
         <g transform='translate(1) rotate(2)'><use xlink:href='#p'/><path id='p' d='M0 0h1' \
         fill='url(#g)'/></g>\
         <text x='10' y='20'>Street: {{address_street_address}}, <tspan>{{a}}{{a}}</tspan></text>",
    )
    .unwrap();
    let ids: Vec<&str> = template.svg_ids().collect();
    assert_eq!(ids, ["address_street_address", "a", "a"]);
    let filled = template.fill(|id| (id == "a").then(|| "1".to_owned()));
    assert!(filled.contains("<text x='10' y='20'>Street: , <tspan>11</tspan></text>"), "{filled}");
    assert!(template.check_ids(|id| id != "a").is_err());
    assert!(template.check_ids(|_| true).is_ok());
}

/// SD-JWT VC §8.1.2.2: whatever a claim says, it is text.
#[test]
fn no_value_becomes_markup() {
    let template = read("<text>{{a}}</text>").unwrap();
    let hostile = "</text><script>alert(1)</script>&lt;\"' {{a}} ]]> \u{0}\u{8}\n\u{fffe}";
    let filled = template.fill(|_| Some(hostile.to_owned()));
    assert!(
        filled.contains(
            "<text>&lt;/text&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;lt;&quot;&apos; {{a}} \
             ]]&gt;  </text>"
        ),
        "{filled}"
    );
    SvgTemplate::read(filled.as_bytes()).unwrap();
}

#[test]
fn a_picture_that_does_more_than_show_is_refused() {
    let cases = [
        ("<script>alert(1)</script>", SvgFault::Script),
        ("<rect onclick='alert(1)'/>", SvgFault::Script),
        ("<rect OnLoad='alert(1)'/>", SvgFault::Script),
        ("<use href='javascript:alert(1)'/>", SvgFault::Script),
        ("<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'/></foreignObject>", ELEMENT),
        ("<h:script xmlns:h='http://www.w3.org/1999/xhtml'/>", SvgFault::Script),
        ("<h:img xmlns:h='http://www.w3.org/1999/xhtml' src='x'/>", ELEMENT),
        ("<a href='https://a.example'><text>here</text></a>", ELEMENT),
        ("<animate attributeName='href' to='x'/>", ELEMENT),
        ("<set attributeName='href' to='x'/>", ELEMENT),
        ("<feImage href='https://a.example/x.png'/>", ELEMENT),
        ("<?xml-stylesheet href='https://a.example/x.css'?>", ELEMENT),
        ("<image href='https://a.example/x.png'/>", REFERENCE),
        ("<image xlink:href='x.png'/>", REFERENCE),
        ("<image href='data:image/svg+xml;base64,AA'/>", REFERENCE),
        ("<use href='other.svg#a'/>", REFERENCE),
        ("<use href='data:image/png;base64,AA'/>", REFERENCE),
        ("<g xml:base='https://a.example/'/>", REFERENCE),
        ("<rect fill='url(https://a.example/x#a)'/>", REFERENCE),
        ("<rect style='fill: url( \"https://a.example/x\" )'/>", REFERENCE),
        ("<style>rect { fill: url(x) }</style>", REFERENCE),
        ("<style>@import 'https://a.example/x.css';</style>", STYLE),
        ("<style>@font-face { src: local(x) }</style>", STYLE),
        ("<style>rect { mask: image-set('x.png' 1x) }</style>", STYLE),
        ("<style>rect { mask: src('x.png') }</style>", STYLE),
        ("<style>rect { fill: u\\72l(x) }</style>", STYLE),
        ("<style>rect { fill: URL(#a) }</style>", STYLE),
        ("<style><![CDATA[@import 'x';]]></style>", STYLE),
        ("<rect style='@import x'/>", STYLE),
        ("<style>rect { mask: url(#m) }</style><mask id='m'/>", STYLE),
        ("<style>rect { fill: url<!-- -->(https://a.example/x) }</style>", STYLE),
        ("<style>rect { mask: url<!-- -->(#m) }</style><mask id='m'/>", STYLE),
        ("<style>* { filter: blur(9px) }</style>", STYLE),
        ("<rect style='filter: drop-shadow(0 0 9px red)'/>", STYLE),
        ("<g id='a'/><use href='#%61'/>", REFERENCE),
        ("<g id='a'/><use href='#&#9;a'/>", REFERENCE),
        ("<rect mask='url(#%61)'/><mask id='a'/>", REFERENCE),
        ("<pattern id='a'/>", ELEMENT),
        ("<marker id='a'/>", ELEMENT),
        ("<rect fill='{{a}}'/>", PLACE),
        ("<!-- {{a}} -->", PLACE),
        ("<style>rect { fill: {{a}} }</style>", PLACE),
        ("<g>{{a}}</g>", PLACE),
        ("<text>{{ a }}</text>", PLACE),
        ("<text>{{1a}}</text>", PLACE),
        ("<text>{{a</text>", PLACE),
        ("<text>{{}}</text>", PLACE),
        ("<text>&#123;{a}}</text>", PLACE),
        ("<text><![CDATA[{{a}}]]></text>", PLACE),
        ("<text>", SvgFault::NotSvg),
        ("&nbsp;", SvgFault::NotSvg),
    ];
    for (inside, fault) in cases {
        assert_eq!(read(inside), Err(fault), "{inside}");
    }
}

const ELEMENT: SvgFault = SvgFault::UnknownElement;
const REFERENCE: SvgFault = SvgFault::ExternalReference;
const STYLE: SvgFault = SvgFault::UnsafeStyle;
const PLACE: SvgFault = SvgFault::MisplacedPlaceholder;

#[test]
fn only_a_whole_svg_is_one() {
    let entity = format!("<!DOCTYPE svg [<!ENTITY a 'aaaa'>]>{}", svg("<text>&a;</text>"));
    let html = "<html xmlns='http://www.w3.org/1999/xhtml'/>";
    for bytes in [entity.as_bytes(), html.as_bytes(), b"<svg/>", b"\xff", b"", b"\x89PNG"] {
        assert_eq!(SvgTemplate::read(bytes).unwrap_err().fault, SvgFault::NotSvg);
    }
    let long = svg(&" ".repeat(SVG_BYTES_MAX));
    assert_eq!(SvgTemplate::read(long.as_bytes()).unwrap_err().fault, SvgFault::TooLong);
}

/// A few lines that would be drawn a billion times, and some that lead back to themselves.
#[test]
fn a_picture_that_takes_long_to_draw_is_refused() {
    let tenfold = |at: usize| {
        let uses = format!("<use href='#a{at}'/>").repeat(10);
        format!("<g id='a{}'>{uses}</g>", at + 1)
    };
    let laughs: String = (0..9).map(tenfold).collect();
    let mask = |at: usize| {
        let masked = format!("<rect mask='url( \"#p{at}\" )'/>").repeat(10);
        format!("<mask id='p{}'>{masked}</mask>", at + 1)
    };
    let masks: String = (0..9).map(mask).collect();
    let filter = "<filter id='f'><feGaussianBlur stdDeviation='9'/></filter>";
    let deep = format!("{}{}", "<g>".repeat(100), "</g>".repeat(100));
    let many = "<g/>".repeat(12_000);
    for inside in [
        format!("<rect id='a0'/>{laughs}"),
        format!("<mask id='p0'/>{masks}<rect mask='url(#p9)'/>"),
        format!("{filter}{}", "<rect filter='url(#f)'/>".repeat(100)),
        "<g id='a'><use href='#a'/></g>".to_owned(),
        "<g id='a'><use href='#b'/></g><g id='b'><use href='#a'/></g>".to_owned(),
        deep,
        many,
        "<text>{{a}}</text>".repeat(201),
    ] {
        assert_eq!(read(&inside), Err(SvgFault::TooComplex), "{inside:.60}");
    }
}

/// Whoever wrote the template finds what is wrong.
#[test]
fn a_mistake_has_a_line() {
    let text = svg("\n<text>\n{{a}} {{b}}</text>\n<rect onclick=''/>");
    assert_eq!(SvgTemplate::read(text.as_bytes()).unwrap_err().line, 4);
    let template = SvgTemplate::read(svg("\n<text>\n{{a}}\n{{b}}</text>").as_bytes()).unwrap();
    let mistake = template.check_ids(|id| id == "a").unwrap_err();
    assert_eq!((mistake.fault, mistake.line), (SvgFault::UnknownPlaceholder, 4));
}

/// SD-JWT VC §7
#[test]
fn a_template_is_the_one_that_was_meant() {
    let text = svg("<text>{{a}}</text>");
    let integrity = sha256(text.as_bytes());
    SvgTemplate::read_as(text.as_bytes(), Some(&integrity)).unwrap();
    SvgTemplate::read_as(text.as_bytes(), None).unwrap();
    let other = SvgTemplate::read_as(svg("").as_bytes(), Some(&integrity));
    assert_eq!(other, Err(TypeFault::WrongIntegrity));
    let hostile = SvgTemplate::read_as(svg("<script/>").as_bytes(), None);
    assert_eq!(hostile, Err(TypeFault::Template(SvgFault::Script)));
}

/// SD-JWT VC §8.1.2.1
#[test]
fn the_look_that_fits_best_is_chosen() {
    let light = Look { color_scheme: Some(ColorScheme::Light), ..Look::default() };
    let dark = Look { color_scheme: Some(ColorScheme::Dark), ..Look::default() };
    let high = Look { contrast: Some(Contrast::High), ..dark };
    let portrait = Look { orientation: Some(Orientation::Portrait), ..light };
    let any = Look::default();
    let wanted = Look {
        orientation: Some(Orientation::Landscape),
        color_scheme: Some(ColorScheme::Light),
        contrast: Some(Contrast::Normal),
    };
    let best = |looks: &[Look]| *looks.iter().min_by_key(|look| look.distance(wanted)).unwrap();
    assert_eq!(best(&[dark, light, any]), light);
    assert_eq!(best(&[dark, any]), any);
    assert_eq!(best(&[portrait, dark]), dark);
    assert_eq!(best(&[high, portrait]), portrait);
    assert_eq!(best(&[high]), high, "one is better than none");
}
