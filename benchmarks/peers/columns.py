"""The columns of YFCC100M's manifest, as the peers that read it name them."""

YFCC100M = """
    item_id owner_id owner_name taken_at uploaded_at capture_device title description tags machine_tags
    longitude latitude accuracy page_url image_url license_name license_url server farm secret
    secret_original extension marker
""".split()  # noqa: SIM905
