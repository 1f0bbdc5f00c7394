"""Facts about Caltech-101, the seed's data set (Fei-Fei, Fergus and Perona 2004; doi:10.22002/D1.20086)."""

URL = "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip?download=1"
"""The authors' archive, a zip."""

ARCHIVE = "caltech-101.zip"
"""The name under which the archive is kept."""

SIZE = 137_414_764
"""Its length in bytes."""

SHA256 = "331234750fc7f77520e50d9565e8b6907b03565e30320da1401130db08c61f91"

INNER = "caltech-101/101_ObjectCategories.tar.gz"
"""The member of the zip that holds the images, one folder a class."""

LEFT_OUT = ("BACKGROUND_Google",)
"""Folders of the archive that are no object class."""

# The seed does not name its 16 classes. These are the first 16 lower-case names in alphabetical order, the one natural
# choice that gives its 45 training and 12 evaluation batches of 32: 1780 images, 1418 and 362.
CLASSES_16 = (
    "accordion",
    "airplanes",
    "anchor",
    "ant",
    "barrel",
    "bass",
    "beaver",
    "binocular",
    "bonsai",
    "brain",
    "brontosaurus",
    "buddha",
    "butterfly",
    "camera",
    "cannon",
    "car_side",
)

SEED_MEAN = (0.50950350, 0.54632660, 0.57409690)
"""What the seed subtracts from pixels in 0…1, RGB."""

SEED_STD = (0.26059777, 0.26041326, 0.29220656)
"""What the seed divides by after that."""
