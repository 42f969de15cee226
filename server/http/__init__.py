"""Everything that speaks HTTP: pages, JSON API, WHIP and WHEP, the websocket, research taps.

routes       the one table of routes with their access rules
access       the rules; enforce keeps them, csrf guards forms
middleware   errors to responses, security headers, access log
keys         what handlers find in the application
templates    pages
"""
