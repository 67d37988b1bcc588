"""Supabase's URL layout on one port: /rest/v1 is PostgREST, /auth/v1 as much of GoTrue as clients need."""
