//! Places the letter's parts on pages of A4, from top to bottom; what does not fit goes on.

use qr::QrCode;

use super::typeface::{Line, Typefaces, Weight};

/// A4 in points.
pub(super) const PAGE_WIDTH: f32 = 595.28;
pub(super) const PAGE_HEIGHT: f32 = 841.89;

const MILLIMETRE: f32 = PAGE_WIDTH / 210.0;
/// A window envelope shows what begins here (DIN 5008, form B).
const LEFT: f32 = 25.0 * MILLIMETRE;
const WIDTH: f32 = PAGE_WIDTH - 2.0 * LEFT;
const TOP: f32 = 16.0 * MILLIMETRE;
const BOTTOM: f32 = PAGE_HEIGHT - 20.0 * MILLIMETRE;
const ADDRESS_TOP: f32 = 50.0 * MILLIMETRE;
const ADDRESS_BOTTOM: f32 = 86.0 * MILLIMETRE;
const FOOTER_BASELINE: f32 = PAGE_HEIGHT - 12.0 * MILLIMETRE;

/// Large enough for an old camera at arm's length.
const CODE_SIDE: f32 = 68.0 * MILLIMETRE;
const CODE_GAP: f32 = 7.0 * MILLIMETRE;
const STEP_INDENT: f32 = 26.0;
const STEP_RADIUS: f32 = 9.0;
const PANEL_PADDING: f32 = 10.0;
/// How high capitals and digits are, in em.
const CAPITALS: f32 = 0.73;

/// Colours of the letter; all of them print well in grey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Black,
    Grey,
    Accent,
    Tint,
    White,
}

/// What a text is, for its looks and for those who have the letter read aloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Title,
    Lead,
    Heading,
    Body,
    Fine,
    Step,
    /// A picture, with what it shows.
    Figure(&'static str),
}

/// Weight, size and line height of a text, and the space before it.
#[derive(Clone, Copy)]
struct Style {
    weight: Weight,
    size: f32,
    leading: f32,
    before: f32,
    ink: Ink,
}

/// Something to draw; `y` is the baseline of a text and the top of a shape.
pub(super) enum Mark {
    Text { x: f32, y: f32, size: f32, weight: Weight, ink: Ink, line: Line },
    Rectangles { rectangles: Vec<Rectangle>, ink: Ink },
    Disc { x: f32, y: f32, radius: f32, ink: Ink },
}

/// Left, top, width, height.
#[derive(Clone, Copy)]
pub(super) struct Rectangle(pub(super) f32, pub(super) f32, pub(super) f32, pub(super) f32);

/// A mark and the block it belongs to; none for mere decoration.
pub(super) struct Placed {
    pub(super) block: Option<usize>,
    pub(super) mark: Mark,
}

/// A typeset letter.
pub(super) struct Pages {
    pub(super) pages: Vec<Vec<Placed>>,
    /// The letter's blocks in reading order.
    pub(super) blocks: Vec<Role>,
}

/// Where the next part goes.
pub(super) struct Layout<'t> {
    typefaces: &'t Typefaces,
    finished: Vec<Vec<Placed>>,
    page: Vec<Placed>,
    blocks: Vec<Role>,
    /// The page on which the current part began.
    part: usize,
    y: f32,
    left: f32,
    width: f32,
}

impl<'t> Layout<'t> {
    pub(super) const fn new(typefaces: &'t Typefaces) -> Self {
        Self {
            typefaces,
            finished: Vec::new(),
            page: Vec::new(),
            blocks: Vec::new(),
            part: 0,
            y: TOP,
            left: LEFT,
            width: WIDTH,
        }
    }

    fn new_page(&mut self) {
        self.finished.push(std::mem::take(&mut self.page));
        self.y = TOP;
    }

    /// The sender on the left, the letter's id on the right, a rule below.
    pub(super) fn head(&mut self, name: &str, id: &str) {
        let id_style = Style { before: 0.0, ink: Ink::Grey, ..Role::Fine.style() };
        let line = self.typefaces.of(id_style.weight).line(id);
        let id_width = line.width() * id_style.size;
        let block = self.block(Role::Body);
        let style = Style { weight: Weight::Bold, size: 13.0, leading: 16.0, ..id_style };
        let id_x = self.left + self.width - id_width;
        self.put_line(block, (id_x, self.y + style.size), id_style, line);
        let width = self.width - id_width - CODE_GAP;
        self.lines(Role::Body, name, Style { ink: Ink::Accent, ..style }, (self.left, width));
        self.y += 6.0;
        self.rectangle(Rectangle(self.left, self.y, self.width, 1.5), Ink::Accent);
        self.y += 1.5;
    }

    /// The recipient, where a window envelope shows it.
    pub(super) fn address(&mut self, lines: &[&str]) {
        if lines.is_empty() {
            return;
        }
        self.y = self.y.max(ADDRESS_TOP);
        let style = Style { before: 0.0, size: 10.5, leading: 14.0, ..Role::Body.style() };
        for line in lines {
            self.lines(Role::Body, line, style, (self.left, self.width / 2.0));
        }
        self.y = self.y.max(ADDRESS_BOTTOM);
    }

    /// A paragraph or heading over the whole width.
    pub(super) fn text(&mut self, text: &str, role: Role) {
        self.lines(role, text, role.style(), (self.left, self.width));
    }

    /// The QR code on the left, and beside it what `column` writes.
    pub(super) fn beside_code(
        &mut self,
        code: &QrCode,
        alternative: &'static str,
        column: impl FnOnce(&mut Self),
    ) {
        self.y += 14.0;
        self.need(CODE_SIDE);
        let (page, top) = (self.finished.len(), self.y);
        let block = self.block(Role::Figure(alternative));
        let mark = Mark::Rectangles {
            rectangles: modules(code, self.left, top, CODE_SIDE),
            ink: Ink::Black,
        };
        self.page.push(Placed { block: Some(block), mark });
        let shift = CODE_SIDE + CODE_GAP;
        (self.left, self.width) = (self.left + shift, self.width - shift);
        column(self);
        (self.left, self.width) = (self.left - shift, self.width + shift);
        if page == self.finished.len() {
            self.y = self.y.max(top + CODE_SIDE);
        }
    }

    /// One numbered step.
    pub(super) fn step(&mut self, number: u8, heading: &str, text: &str) {
        let block = self.block(Role::Step);
        let bold = Style { size: 11.0, before: 0.0, ..Role::Heading.style() };
        self.need(bold.leading + 2.0 * Role::Body.style().leading);
        self.y += 1.0;
        let disc = (self.left + STEP_RADIUS, self.y + STEP_RADIUS - 1.5);
        let mark = Mark::Disc { x: disc.0, y: disc.1, radius: STEP_RADIUS, ink: Ink::Accent };
        self.page.push(Placed { block: None, mark });
        let white = Style { ink: Ink::White, ..bold };
        let line = self.typefaces.of(Weight::Bold).line(&number.to_string());
        let x = disc.0 - line.width() * white.size / 2.0;
        self.put_line(block, (x, disc.1 + white.size * CAPITALS / 2.0), white, line);
        let column = (self.left + STEP_INDENT, self.width - STEP_INDENT);
        self.block_lines(block, heading, bold, column);
        let body = Style { before: 1.0, ..Role::Body.style() };
        self.block_lines(block, text, body, column);
        self.y += 8.0;
    }

    /// What must not be overlooked: one bold line and one below it, on a tinted ground.
    pub(super) fn panel(&mut self, bold: &str, text: &str) {
        let heading = Style { before: 0.0, size: 12.5, leading: 16.0, ..Role::Heading.style() };
        let body = Style { before: 1.0, ..Role::Body.style() };
        let column = (self.left + PANEL_PADDING + 4.0, self.width - 2.0 * PANEL_PADDING - 4.0);
        let height = self.height(bold, heading, column.1) + self.height(text, body, column.1);
        let height = height + 2.0 * PANEL_PADDING;
        self.y += 12.0;
        self.need(height);
        self.rectangle(Rectangle(self.left, self.y, self.width, height), Ink::Tint);
        self.rectangle(Rectangle(self.left, self.y, 4.0, height), Ink::Accent);
        self.y += PANEL_PADDING;
        self.lines(Role::Body, bold, heading, column);
        self.lines(Role::Body, text, body, column);
        self.y += PANEL_PADDING;
    }

    /// A code in large type, in the middle of a tinted ground.
    pub(super) fn plate(&mut self, code: &str) {
        const HEIGHT: f32 = 96.0;
        self.y += 24.0;
        self.need(HEIGHT);
        self.rectangle(Rectangle(self.left, self.y, self.width, HEIGHT), Ink::Tint);
        let line = self.typefaces.of(Weight::Bold).line(code);
        let room = self.width - 2.0 * PANEL_PADDING;
        let size = (room / line.width().max(1.0)).min(46.0);
        let style = Style { size, ..Role::Title.style() };
        let x = self.left + (self.width - line.width() * size) / 2.0;
        let block = self.block(Role::Body);
        self.put_line(block, (x, self.y + f32::midpoint(HEIGHT, size * CAPITALS)), style, line);
        self.y += HEIGHT + 8.0;
    }

    /// Ends a part that goes into one envelope; one of several pages has them numbered.
    pub(super) fn end_part(&mut self, words: impl Fn(usize, usize) -> String) {
        self.new_page();
        let style = Style { ink: Ink::Grey, ..Role::Fine.style() };
        let pages = self.finished.len() - self.part;
        for (number, page) in (1..).zip(self.finished.iter_mut().skip(self.part)) {
            if pages > 1 {
                let line = self.typefaces.of(style.weight).line(&words(number, pages));
                let x = LEFT + WIDTH - line.width() * style.size;
                page.push(Placed { block: None, mark: style.mark((x, FOOTER_BASELINE), line) });
            }
        }
        self.part = self.finished.len();
    }

    /// Lets the next part begin on a new sheet, also where both sides are printed.
    pub(super) fn new_sheet(&mut self, explanation: &str) {
        if !self.finished.len().is_multiple_of(2) {
            self.text(explanation, Role::Fine);
            self.new_page();
            self.part = self.finished.len();
        }
    }

    pub(super) fn finish(self) -> Pages {
        Pages { pages: self.finished, blocks: self.blocks }
    }

    /// Goes to the next page unless so much room is left.
    fn need(&mut self, height: f32) {
        if self.y + height > BOTTOM && self.y > TOP {
            self.new_page();
        }
    }

    fn block(&mut self, role: Role) -> usize {
        self.blocks.push(role);
        self.blocks.len() - 1
    }

    fn lines(&mut self, role: Role, text: &str, style: Style, column: (f32, f32)) {
        let block = self.block(role);
        self.block_lines(block, text, style, column);
    }

    fn block_lines(&mut self, block: usize, text: &str, style: Style, column: (f32, f32)) {
        let (x, width) = column;
        self.y += style.before;
        for line in self.typefaces.of(style.weight).lines(text, width / style.size) {
            self.need(style.leading);
            self.put_line(block, (x, self.y + style.size), style, line);
            self.y += style.leading;
        }
    }

    fn height(&self, text: &str, style: Style, width: f32) -> f32 {
        let lines = self.typefaces.of(style.weight).lines(text, width / style.size);
        lines.iter().fold(style.before, |height, _| height + style.leading)
    }

    fn put_line(&mut self, block: usize, at: (f32, f32), style: Style, line: Line) {
        self.page.push(Placed { block: Some(block), mark: style.mark(at, line) });
    }

    fn rectangle(&mut self, rectangle: Rectangle, ink: Ink) {
        let mark = Mark::Rectangles { rectangles: vec![rectangle], ink };
        self.page.push(Placed { block: None, mark });
    }
}

impl Style {
    fn mark(self, (x, y): (f32, f32), line: Line) -> Mark {
        Mark::Text { x, y, size: self.size, weight: self.weight, ink: self.ink, line }
    }
}

impl Role {
    const fn style(self) -> Style {
        let (weight, size, leading, before, ink) = match self {
            Self::Title => (Weight::Bold, 24.0, 29.0, 14.0, Ink::Black),
            Self::Lead => (Weight::Regular, 12.0, 17.0, 4.0, Ink::Black),
            Self::Heading => (Weight::Bold, 11.0, 14.5, 12.0, Ink::Black),
            Self::Fine => (Weight::Regular, 8.5, 12.0, 4.0, Ink::Black),
            Self::Body | Self::Step | Self::Figure(_) => {
                (Weight::Regular, 10.0, 14.0, 1.0, Ink::Black)
            }
        };
        Style { weight, size, leading, before, ink }
    }
}

/// The dark modules, row by row, those side by side as one; the quiet zone is the empty paper.
///
/// Rows overlap by a hair, as a printer may leave a white line between shapes that only touch.
fn modules(code: &QrCode, left: f32, top: f32, side: f32) -> Vec<Rectangle> {
    let count = code.size();
    let module = side / measure(count);
    let mut rectangles = Vec::new();
    for y in 0..count {
        let mut x = 0;
        while x < count {
            let dark = (x..count).take_while(|&x| code.is_dark(x, y)).count();
            if dark > 0 {
                rectangles.push(Rectangle(
                    left + measure(x) * module,
                    top + measure(y) * module,
                    measure(dark) * module,
                    module * 1.01,
                ));
            }
            x += dark + 1;
        }
    }
    rectangles
}

#[expect(clippy::cast_precision_loss, reason = "a QR code has at most 177 modules a side")]
const fn measure(modules: usize) -> f32 {
    modules as f32
}
