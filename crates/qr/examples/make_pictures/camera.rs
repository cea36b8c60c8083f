//! Takes the picture: geometry, light, lens, noise, file.

use std::error::Error;
use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{GrayImage, ImageBuffer, ImageFormat, Luma, imageops};
use qrcodegen::{QrCode, QrSegment, Version};

use crate::dice::{Dice, chance_at};
use crate::scenes::{Scene, Surface};

/// Distance of the camera from the code, in widths of the code: a phone held close.
const DISTANCE: f32 = 2.2;

/// A pixel is the mean of this many rays squared.
const RAYS: u16 = 5;

/// Light modules around the code.
const QUIET_ZONE: f32 = 4.0;

/// Brightness at each pixel, from 0 to 1.
type Film = ImageBuffer<Luma<f32>, Vec<f32>>;

pub(crate) fn photograph(
    scene: &Scene,
    offer: &str,
    dice: &mut Dice,
) -> Result<Vec<u8>, Box<dyn Error>> {
    let code = encode(scene, offer)?;
    let view = View::new(scene, &code, dice);
    let light = Light::new(scene, dice);
    let mut exposed = Film::from_fn(scene.size.0.into(), scene.size.1.into(), |x, y| {
        Luma([light.falls_on(x, y, view.pixel(x, y))])
    });
    if scene.blur > 0.0 {
        exposed = imageops::blur(&exposed, scene.blur * (1.0 + dice.around_zero(0.08)));
    }
    develop(&exposed, scene, dice)
}

/// Exactly the level the scene wants: the library's own `encode` would raise it.
fn encode(scene: &Scene, offer: &str) -> Result<QrCode, Box<dyn Error>> {
    let segments = QrSegment::make_segments(offer);
    let (least, most) = (Version::MIN, Version::MAX);
    Ok(QrCode::encode_segments_advanced(&segments, scene.level, least, most, None, false)?)
}

fn develop(exposed: &Film, scene: &Scene, dice: &mut Dice) -> Result<Vec<u8>, Box<dyn Error>> {
    let picture = GrayImage::from_fn(exposed.width(), exposed.height(), |x, y| {
        let bright = exposed.get_pixel(x, y).0[0];
        // Photons come in a number whose deviation is its root; the rest is the sensor's own.
        let noise = scene.noise * (0.5 + bright.max(0.0).sqrt()) * dice.normal();
        Luma([byte(bright + noise)])
    });
    let mut file = Cursor::new(Vec::new());
    if scene.jpeg == 0 {
        picture.write_to(&mut file, ImageFormat::Png)?;
    } else {
        picture.write_with_encoder(JpegEncoder::new_with_quality(&mut file, scene.jpeg))?;
    }
    Ok(file.into_inner())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped")]
fn byte(bright: f32) -> u8 {
    (bright * 255.0).round().clamp(0.0, 255.0) as u8
}

/// Where the camera stands.
struct View<'c> {
    code: &'c QrCode,
    scene: &'c Scene,
    /// Columns of the turn of the paper in space.
    right: [f32; 3],
    down: [f32; 3],
    /// Middle of the code in the picture.
    middle: (f32, f32),
    /// The way a moving hand smears.
    smear: (f32, f32),
    /// Where the lines of text and the grain of the table begin.
    shift: i32,
}

impl<'c> View<'c> {
    fn new(scene: &'c Scene, code: &'c QrCode, dice: &mut Dice) -> Self {
        let plain = scene.surface == Surface::Plain;
        let mut by = |most: f32| if plain { 0.0 } else { dice.around_zero(most) };
        let turn = (scene.turn + by(1.5)).to_radians();
        let about_x = (scene.tilt.0 + by(2.0)).to_radians();
        let about_y = (scene.tilt.1 + by(2.0)).to_radians();
        let (sin_x, cos_x, sin_y, cos_y) =
            (about_x.sin(), about_x.cos(), about_y.sin(), about_y.cos());
        // First about the vertical, then about the horizontal axis.
        let tilted = |x: f32, y: f32| {
            let depth = -x * sin_y;
            [x * cos_y, y * cos_x - depth * sin_x, y * sin_x + depth * cos_x]
        };
        let smear_angle = by(180.0).to_radians();
        let smear = (scene.smear * smear_angle.cos(), scene.smear * smear_angle.sin());
        let middle = (f32::from(scene.size.0) / 2.0, f32::from(scene.size.1) / 2.0);
        Self {
            code,
            scene,
            right: tilted(turn.cos(), turn.sin()),
            down: tilted(-turn.sin(), turn.cos()),
            middle: (middle.0 + by(7.0), middle.1 + by(7.0)),
            smear,
            shift: i32::try_from(dice.up_to(1000)).unwrap_or(0),
        }
    }

    /// The mean of the rays that fall on a pixel.
    fn pixel(&self, x: u32, y: u32) -> f32 {
        if self.scene.surface == Surface::Plain {
            return self.ray(middle_of(x), middle_of(y));
        }
        let rays = f32::from(RAYS);
        let place = |ray: u16| (f32::from(ray) + 0.5) / rays;
        let mut sum = 0.0;
        for i in 0..RAYS {
            for j in 0..RAYS {
                // Each ray at its own time while the hand moves; 7 spreads the times.
                let time = f32::from((i * RAYS + j) * 7 % (RAYS * RAYS)) / (rays * rays) - 0.5;
                let x = middle_of(x) - 0.5 + place(i) + self.smear.0 * time;
                let y = middle_of(y) - 0.5 + place(j) + self.smear.1 * time;
                sum += self.ray(x, y);
            }
        }
        sum / (rays * rays)
    }

    /// Brightness of what a ray meets.
    fn ray(&self, x: f32, y: f32) -> f32 {
        let size = middle_of(self.code.size().unsigned_abs()) - 0.5;
        let focus = DISTANCE * size;
        let x = (x - self.middle.0) / self.scene.module;
        let y = (y - self.middle.1) / self.scene.module;
        // The point u*right + v*down, `focus` from the camera, lies on the ray (x, y, focus): two
        // equations, solved by determinants.
        let coefficient = |way: [f32; 3]| {
            let [along_x, along_y, depth] = way;
            (focus * along_x - x * depth, focus * along_y - y * depth)
        };
        let (right, down) = (coefficient(self.right), coefficient(self.down));
        let determinant = right.0 * down.1 - down.0 * right.1;
        let u = focus * (x * down.1 - down.0 * y) / determinant;
        let v = focus * (right.0 * y - x * right.1) / determinant;
        let sag = self.scene.bend * size * (1.0 - (2.0 * u / size).powi(2));
        self.brightness(u + size / 2.0, v + sag + size / 2.0, size)
    }

    /// Brightness of the surface, in modules from the code's corner.
    fn brightness(&self, u: f32, v: f32, size: f32) -> f32 {
        let (dark, light) = self.scene.tones;
        let within = |margin: f32| u.min(v) >= -margin && u.max(v) < size + margin;
        if within(0.0) {
            let ink = self.code.get_module(whole(u), whole(v));
            return if ink { dark } else { light } * self.screen_grid(u, v);
        }
        match self.scene.surface {
            _ if within(QUIET_ZONE) => light * self.screen_grid(u, v),
            Surface::Plain => light,
            Surface::Screen => dark + 0.06 * light,
            Surface::Letter if within(size * 0.45) => self.letter(u, v),
            Surface::Letter => self.table(u, v),
        }
    }

    /// Lines of text around the code.
    fn letter(&self, u: f32, v: f32) -> f32 {
        let (dark, light) = self.scene.tones;
        let line = whole(v / 5.0);
        let ink = v.rem_euclid(5.0) < 2.6 && chance_at(whole(u / 0.9), line + self.shift, 0.55);
        let gap = chance_at(whole(u / 7.0), line + self.shift, 0.2);
        if ink && !gap { dark } else { light }
    }

    fn table(&self, u: f32, v: f32) -> f32 {
        let (dark, light) = self.scene.tones;
        let grain = chance_at(whole(u / 14.0), whole(v * 1.3) + self.shift, 0.5);
        dark + (light - dark) * if grain { 0.38 } else { 0.30 }
    }

    /// The pixels of a screen have dark joints: four a module.
    fn screen_grid(&self, u: f32, v: f32) -> f32 {
        let joint = |place: f32| (place * 4.0).rem_euclid(1.0) < 0.2;
        if self.scene.surface == Surface::Screen && (joint(u) || joint(v)) { 0.55 } else { 1.0 }
    }
}

/// How light falls into the picture.
struct Light {
    scene: Scene,
    /// The way it gets darker.
    way: (f32, f32),
    /// Edge of the shadow.
    edge: (f32, f32, f32),
    /// Middle of the reflection.
    lamp: (f32, f32),
}

impl Light {
    fn new(scene: &Scene, dice: &mut Dice) -> Self {
        let (way, edge) = (dice.around_zero(180.0), dice.around_zero(180.0));
        let (way, edge) = (way.to_radians(), edge.to_radians());
        Self {
            scene: *scene,
            way: (way.cos(), way.sin()),
            edge: (edge.cos(), edge.sin(), dice.around_zero(0.15)),
            lamp: (dice.around_zero(0.25), dice.around_zero(0.25)),
        }
    }

    fn falls_on(&self, x: u32, y: u32, surface: f32) -> f32 {
        // From -0.5 to 0.5 along the longer side.
        let side = f32::from(self.scene.size.0.max(self.scene.size.1));
        let x = (middle_of(x) - f32::from(self.scene.size.0) / 2.0) / side;
        let y = (middle_of(y) - f32::from(self.scene.size.1) / 2.0) / side;
        let along = (x * self.way.0 + y * self.way.1 + 0.5).clamp(0.0, 1.0);
        let mut light = 1.0 - self.scene.slope * along;
        // The edge of a shadow is soft over a fiftieth of the picture.
        let depth = (x * self.edge.0 + y * self.edge.1 - self.edge.2) * 50.0;
        light *= 1.0 - self.scene.shadow * depth.clamp(0.0, 1.0);
        let far = (x - self.lamp.0).powi(2) + (y - self.lamp.1).powi(2);
        surface * light + self.scene.glare * (-far / 0.006).exp()
    }
}

fn middle_of(pixel: u32) -> f32 {
    f32::from(u16::try_from(pixel).unwrap_or(u16::MAX)) + 0.5
}

#[expect(clippy::cast_possible_truncation, reason = "a surface is a few hundred modules wide")]
fn whole(place: f32) -> i32 {
    place.floor() as i32
}
