"""Write src/image/viewCases.json: small picture files, and the RGB arrays that today's libraries and MMHERC make of them.

Run from the repository root, with Pillow 13.0 and transformers 5.23:
    python tools/reference/image_view_cases.py
    npx prettier --write src/image/viewCases.json

`library` is ImageOps.exif_transpose (as in datasets' Image feature and transformers' load_image), then transformers'
convert_to_rgb (as in its image processors); `recipe` is convert("RGB") of the file as stored.
"""

import base64
import io
import json
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps
from transformers.image_transforms import convert_to_rgb

ORIENTATION = 0x0112
rng = np.random.default_rng(5)


def noise(*shape):
    return rng.integers(0, 256, shape, dtype=np.uint8)


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def tiff(orientation, order="<", kind="H"):
    """A TIFF structure with one entry."""
    value = struct.pack(order + kind, orientation).ljust(4, b"\0")
    head = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHI", ORIENTATION, {"H": 3, "I": 4}[kind], 1) + value
    return head + struct.pack(order + "IH", 8, 1) + entry + struct.pack(order + "I", 0)


def chunk(kind, content):
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def with_chunk(png, kind, content, before):
    at = png.index(before) - 4
    return png[:at] + chunk(kind, content) + png[at:]


def with_segment(jpeg, content):
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + jpeg[2:]


def files():
    """Name -> file."""
    xmp = b'<rdf:Description tiff:Orientation="8"/>'
    jpeg = saved(Image.fromarray(noise(8, 12, 3)), "JPEG", quality=95, subsampling=0)
    png = saved(Image.fromarray(noise(3, 5, 3)), "PNG")
    out = {}
    for orientation in range(1, 9):
        order = "<>"[orientation % 2]
        out[f"jpeg_exif_{orientation}"] = with_segment(jpeg, b"Exif\0\0" + tiff(orientation, order))
        out[f"png_exif_{orientation}"] = with_chunk(png, b"eXIf", tiff(orientation, order), b"IDAT")
    out["jpeg_plain"] = jpeg
    out["png_plain"] = png
    out["jpeg_xmp_8"] = with_segment(jpeg, b"http://ns.adobe.com/xap/1.0/\0" + xmp)
    out["png_xmp_8"] = with_chunk(png, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp, b"IDAT")
    out["png_exif_over_xmp"] = with_chunk(out["png_xmp_8"], b"eXIf", tiff(3), b"IDAT")
    out["png_exif_after_data"] = with_chunk(png, b"eXIf", tiff(6), b"IEND")
    out["png_exif_with_prefix"] = with_chunk(png, b"eXIf", b"Exif\0\0" + tiff(6), b"IDAT")
    out["png_exif_long"] = with_chunk(png, b"eXIf", tiff(6, ">", "I"), b"IDAT")
    out["png_exif_out_of_range"] = with_chunk(png, b"eXIf", tiff(9), b"IDAT")
    out["png_exif_cut"] = with_chunk(png, b"eXIf", tiff(6)[:16], b"IDAT")
    rgba = noise(16, 17, 4)
    rgba[0, :, 3], rgba[1, :, 3] = 0, 255
    out["rgba"] = saved(Image.fromarray(rgba), "PNG")
    out["rgba_opaque"] = saved(Image.fromarray(np.dstack([noise(2, 3, 3), np.full((2, 3), 255, np.uint8)])), "PNG")
    out["rgba_exif_6"] = with_chunk(out["rgba"], b"eXIf", tiff(6), b"IDAT")
    out["gray_alpha"] = saved(Image.fromarray(noise(9, 11, 2)), "PNG")
    out["gray"] = saved(Image.fromarray(noise(4, 4)), "PNG")
    out["gray_transparent_level"] = saved(Image.fromarray(noise(4, 4) % 4), "PNG", transparency=2)
    bits = Image.fromarray((noise(5, 9) % 2 * 255).astype(np.uint8)).convert("1")
    out["bits_transparent_black"] = saved(bits, "PNG", transparency=0)
    out["rgb_transparent_colour"] = saved(Image.fromarray(noise(6, 6, 3) % 2), "PNG", transparency=(1, 0, 1))
    palette = Image.fromarray(noise(8, 8, 3)).quantize(16)
    out["palette"] = saved(palette, "PNG")
    out["palette_transparent_index"] = saved(palette, "PNG", transparency=3)
    out["palette_alphas"] = saved(palette, "PNG", transparency=bytes([0, 40, 128, 255, 7]))
    return out


def described(rgb):
    height, width, _ = rgb.shape
    return {"width": width, "height": height, "rgb": base64.b64encode(rgb.tobytes()).decode()}


def case(name, content):
    opened = Image.open(io.BytesIO(content))
    opened.load()
    library = convert_to_rgb(ImageOps.exif_transpose(opened), return_numpy=True)
    recipe = np.asarray(opened.convert("RGB"))
    return {
        "name": name,
        "file": base64.b64encode(content).decode(),
        "library": described(library),
        "recipe": described(recipe),
    }


def main():
    cases = [case(name, content) for name, content in files().items()]
    with open("src/image/viewCases.json", "w") as file:
        json.dump({"cases": cases}, file, indent=1)


main()
