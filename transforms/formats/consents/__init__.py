"""Lists of consents: what owners and depicted persons grant, refuse or revoke."""
