//! What is photographed, and how badly.

use qrcodegen::QrCodeEcc;

/// What the code says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Text {
    /// About 150 characters.
    ByReference,
    /// About 500 characters.
    ByValue,
}

/// What the code is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    /// Nothing: the picture as the issuer made it.
    Plain,
    /// A letter with text, on a table.
    Letter,
    /// A white tile in a dark page on a screen, whose pixels show.
    Screen,
}

/// One picture. Lengths are in pixels of the picture, angles in degrees, brightness from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) text: Text,
    pub(crate) level: QrCodeEcc,
    pub(crate) surface: Surface,
    pub(crate) size: (u16, u16),
    /// Width of a module in the middle of the code.
    pub(crate) module: f32,
    /// In the plane of the picture.
    pub(crate) turn: f32,
    /// Away from the camera, about the horizontal and the vertical axis.
    pub(crate) tilt: (f32, f32),
    /// Sag of the paper, in parts of the code's width.
    pub(crate) bend: f32,
    /// How much darker the dark end of the picture is.
    pub(crate) slope: f32,
    /// How much darker it is within a shadow with a sharp edge.
    pub(crate) shadow: f32,
    /// Strength of a lamp's reflection.
    pub(crate) glare: f32,
    /// Brightness of dark modules and of paper.
    pub(crate) tones: (f32, f32),
    /// Standard deviation of the lens's blur.
    pub(crate) blur: f32,
    /// Length of the smear of a moving hand.
    pub(crate) smear: f32,
    /// Standard deviation of the noise.
    pub(crate) noise: f32,
    /// JPEG quality; PNG where 0.
    pub(crate) jpeg: u8,
}

impl Scene {
    pub(crate) fn file_name(&self) -> String {
        format!("{}.{}", self.name, if self.jpeg == 0 { "png" } else { "jpg" })
    }
}

/// A sharp, straight, evenly lit photograph of a letter: every scene says how it differs.
const PHOTOGRAPH: Scene = Scene {
    name: "photograph",
    text: Text::ByReference,
    level: QrCodeEcc::Medium,
    surface: Surface::Letter,
    size: (640, 480),
    module: 6.0,
    turn: 1.5,
    tilt: (3.0, 3.0),
    bend: 0.0,
    slope: 0.15,
    shadow: 0.0,
    glare: 0.0,
    tones: (0.12, 0.85),
    blur: 0.8,
    smear: 0.0,
    noise: 0.012,
    jpeg: 70,
};

const PLAIN: Scene = Scene {
    surface: Surface::Plain,
    turn: 0.0,
    tilt: (0.0, 0.0),
    slope: 0.0,
    tones: (0.0, 1.0),
    blur: 0.0,
    noise: 0.0,
    jpeg: 0,
    ..PHOTOGRAPH
};

const LONG: Scene = Scene { text: Text::ByValue, size: (860, 645), module: 5.4, ..PHOTOGRAPH };

const L: QrCodeEcc = QrCodeEcc::Low;

/// From easy to hard within each group; the last group joins what happens together.
pub(crate) const SCENES: &[Scene] = &[
    // As made, and turned.
    Scene { name: "plain-small", level: L, size: (140, 140), module: 2.0, ..PLAIN },
    Scene { name: "plain-large", size: (1200, 1200), module: 18.0, ..PLAIN },
    Scene { name: "turned-7", turn: 7.0, ..PHOTOGRAPH },
    Scene { name: "turned-33", level: L, turn: 33.0, ..PHOTOGRAPH },
    Scene { name: "turned-90", turn: 90.0, ..PHOTOGRAPH },
    Scene { name: "turned-200-long", turn: 200.0, ..LONG },
    // Near and far.
    Scene { name: "far", level: L, module: 2.6, blur: 0.6, ..PHOTOGRAPH },
    Scene { name: "far-turned-33", module: 2.8, turn: 33.0, blur: 0.5, ..PHOTOGRAPH },
    Scene { name: "far-long", module: 3.0, size: (640, 480), blur: 0.6, ..LONG },
    Scene { name: "near", module: 15.0, size: (1024, 1024), blur: 3.0, jpeg: 60, ..PHOTOGRAPH },
    // In perspective.
    Scene { name: "perspective-30", tilt: (30.0, 5.0), ..PHOTOGRAPH },
    Scene { name: "perspective-45", level: L, tilt: (45.0, 0.0), module: 7.0, ..PHOTOGRAPH },
    Scene { name: "perspective-both", tilt: (32.0, 30.0), turn: 15.0, ..PHOTOGRAPH },
    Scene { name: "perspective-long", level: L, tilt: (8.0, 35.0), ..LONG },
    // Paper that does not lie flat.
    Scene { name: "bent", bend: 0.05, ..PHOTOGRAPH },
    Scene { name: "bent-turned", bend: 0.06, turn: 24.0, level: L, ..PHOTOGRAPH },
    // Out of focus, in a moving hand.
    Scene { name: "blurred", blur: 2.4, ..PHOTOGRAPH },
    Scene { name: "blurred-more", level: L, module: 7.0, blur: 3.4, ..PHOTOGRAPH },
    Scene { name: "blurred-long", blur: 2.4, ..LONG },
    Scene { name: "smeared", smear: 5.0, ..PHOTOGRAPH },
    // In the dark, and squeezed for a messenger.
    Scene { name: "noisy", noise: 0.10, jpeg: 60, ..PHOTOGRAPH },
    Scene { name: "noisy-dark", tones: (0.05, 0.30), noise: 0.05, ..PHOTOGRAPH },
    Scene { name: "jpeg-15", level: L, turn: 7.0, module: 5.0, jpeg: 15, ..PHOTOGRAPH },
    Scene { name: "jpeg-20-long", jpeg: 20, ..LONG },
    // Unevenly lit.
    Scene { name: "sloping-light", slope: 0.75, ..PHOTOGRAPH },
    Scene { name: "shadow", level: L, shadow: 0.65, ..PHOTOGRAPH },
    Scene { name: "glare", glare: 0.9, ..PHOTOGRAPH },
    Scene { name: "pale", tones: (0.42, 0.66), noise: 0.02, ..PHOTOGRAPH },
    // From a screen.
    Scene { name: "screen", surface: Surface::Screen, turn: 4.0, ..PHOTOGRAPH },
    Scene {
        name: "screen-slanted",
        surface: Surface::Screen,
        level: L,
        tilt: (10.0, 35.0),
        glare: 0.5,
        ..PHOTOGRAPH
    },
    // Together.
    Scene {
        name: "perspective-noise-light",
        tilt: (28.0, 20.0),
        noise: 0.06,
        slope: 0.6,
        jpeg: 60,
        ..PHOTOGRAPH
    },
    Scene {
        name: "perspective-shadow-blur",
        level: L,
        turn: 33.0,
        tilt: (25.0, 15.0),
        shadow: 0.55,
        blur: 1.8,
        ..PHOTOGRAPH
    },
    Scene {
        name: "dark-smeared-turned",
        turn: 112.0,
        tones: (0.06, 0.4),
        smear: 3.5,
        noise: 0.04,
        slope: 0.4,
        ..PHOTOGRAPH
    },
    Scene {
        name: "long-perspective-light-jpeg",
        tilt: (26.0, 12.0),
        turn: 350.0,
        slope: 0.6,
        noise: 0.03,
        jpeg: 40,
        ..LONG
    },
    Scene {
        name: "far-bent-noise",
        module: 3.5,
        bend: 0.04,
        tilt: (15.0, 15.0),
        turn: 20.0,
        noise: 0.04,
        ..PHOTOGRAPH
    },
    Scene {
        name: "everything",
        tilt: (22.0, 22.0),
        turn: 50.0,
        bend: 0.02,
        slope: 0.4,
        shadow: 0.35,
        blur: 1.3,
        noise: 0.04,
        jpeg: 45,
        ..PHOTOGRAPH
    },
];
