"""What off-the-shelf OCR reads of image codes: ``make captcha-study``, docs/image-codes.md."""
