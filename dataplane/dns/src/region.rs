//! How far regions are from each other: by their places on the globe, since no measurement is to be had.

/// Latitude and longitude, in degrees.
const PLACES: &[(&str, f64, f64)] = &[
    ("af-south-1", -33.9, 18.4),
    ("ap-east-1", 22.3, 114.2),
    ("ap-east-2", 25.0, 121.5),
    ("ap-northeast-1", 35.7, 139.7),
    ("ap-northeast-2", 37.6, 127.0),
    ("ap-northeast-3", 34.7, 135.5),
    ("ap-south-1", 19.1, 72.9),
    ("ap-south-2", 17.4, 78.5),
    ("ap-southeast-1", 1.4, 103.8),
    ("ap-southeast-2", -33.9, 151.2),
    ("ap-southeast-3", -6.2, 106.8),
    ("ap-southeast-4", -37.8, 145.0),
    ("ap-southeast-5", 3.1, 101.7),
    ("ap-southeast-6", -36.8, 174.8),
    ("ap-southeast-7", 13.8, 100.5),
    ("ca-central-1", 45.5, -73.6),
    ("ca-west-1", 51.0, -114.1),
    ("cn-north-1", 39.9, 116.4),
    ("cn-northwest-1", 37.5, 105.2),
    ("eu-central-1", 50.1, 8.7),
    ("eu-central-2", 47.4, 8.5),
    ("eu-north-1", 59.3, 18.1),
    ("eu-south-1", 45.5, 9.2),
    ("eu-south-2", 41.6, -0.9),
    ("eu-west-1", 53.3, -6.3),
    ("eu-west-2", 51.5, -0.1),
    ("eu-west-3", 48.9, 2.4),
    ("il-central-1", 32.1, 34.8),
    ("me-central-1", 25.2, 55.3),
    ("me-south-1", 26.1, 50.6),
    ("mx-central-1", 20.6, -100.4),
    ("sa-east-1", -23.5, -46.6),
    ("us-east-1", 38.9, -77.4),
    ("us-east-2", 40.0, -83.0),
    ("us-gov-east-1", 40.0, -82.9),
    ("us-gov-west-1", 45.5, -122.7),
    ("us-west-1", 37.4, -121.9),
    ("us-west-2", 45.8, -119.7),
];

/// Grows with the distance; a region that is not known is further than any other, but for itself.
pub(crate) fn distance(from: &str, to: &str) -> f64 {
    if from == to {
        return -1.0;
    }
    let (Some(from), Some(to)) = (place(from), place(to)) else {
        return 2.0;
    };
    // One minus the cosine of the angle between the two: 0 to 2.
    let (from, to) = (on_sphere(from), on_sphere(to));
    1.0 - from.iter().zip(to).map(|(a, b)| a * b).sum::<f64>()
}

fn place(region: &str) -> Option<(f64, f64)> {
    PLACES
        .iter()
        .find(|(name, ..)| *name == region)
        .map(|&(_, latitude, longitude)| (latitude.to_radians(), longitude.to_radians()))
}

fn on_sphere((latitude, longitude): (f64, f64)) -> [f64; 3] {
    [
        latitude.cos() * longitude.cos(),
        latitude.cos() * longitude.sin(),
        latitude.sin(),
    ]
}

#[cfg(test)]
mod tests;
