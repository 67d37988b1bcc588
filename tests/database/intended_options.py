"""How each function may run and what each role is given, where that is more than the default.

A function that is not named here is volatile, sees an empty search_path and changes no other setting.
"""

IMMUTABLE: set[str] = {
    "private.avatar_url_of(jsonb)",
    "private.check_github_observations(jsonb,jsonb)",
    "private.check_lease_seconds(integer)",
    "private.check_sealed_place(jsonb,jsonb)",
    "private.clean_reason(text)",
    "private.count_outcomes(jsonb)",
    "private.cut_long_texts(jsonb)",
    "private.document_search(text,text)",
    "private.github_connection_fault(jsonb)",
    "private.github_item_fault(jsonb)",
    "private.github_facts_of(public.repositories,text)",
    "private.github_username_of(jsonb)",
    "private.ids_of_bulk_items(jsonb)",
    # It looks at the statement and is immutable all the same, so as to be called while that is planned.
    "private.plans_for_execution()",
    "private.import_item_fault(jsonb)",
    "private.is_variable_name(text)",
    "private.is_visible_line(text)",
    "private.leave_out_long_texts(jsonb)",
    "private.longest_kept_text()",
    "private.make_parsable(text)",
    "private.sync_jitter(uuid,interval)",
    "private.take_excerpt(text)",
    "private.trim_blanks(text)",
}
"""The same answer for the same arguments, for ever: generated columns and checks may use them."""

STABLE: set[str] = {
    "private.caller_id()",
    "private.check_bulk_item(jsonb,jsonb)",
    "private.check_bulk_items(jsonb,jsonb)",
    "private.check_github_connection_usable(private.github_connections)",
    "private.check_import_key(text)",
    "private.check_own_product(uuid,uuid)",
    "private.check_reveals()",
    "private.check_session(boolean)",
    "private.compare_app_info(uuid,text[],text)",
    "private.flagged_github_ids(uuid)",
    "private.get_github_connection()",
    "private.get_idempotent_answer(text)",
    "private.get_sealed_github_token(text)",
    "private.github_connection_view(private.github_connections)",
    "private.github_ids_left(uuid,jsonb)",
    "private.github_item_unread(jsonb)",
    "private.name_changed_facts(private.github_facts,private.github_facts)",
    "private.read_github_facts(jsonb,private.github_facts)",
    "private.github_ids_of_run(public.github_runs)",
    "private.github_ids_to_import(public.github_runs)",
    "private.identify_app_info_caller(text,boolean)",
    "private.is_session()",
    "private.list_app_info_versions(uuid)",
    "private.next_value_number(public.app_info)",
    "private.read_app_info_places(uuid[],boolean,text)",
    "private.read_app_info_export(uuid,text[],boolean,text)",
    "private.tell_unreached(public.github_runs,text,text)",
    "public.app_info_count(public.products)",
    "public.compare_app_info(uuid,text[],text)",
    "public.compare_repositories(uuid,jsonb)",
    "public.documents_count(public.products)",
    "public.documents_count(public.repositories)",
    "public.get_github_connection()",
    "public.get_idempotent_answer(text)",
    "public.get_sealed_github_token(text)",
    "public.list_app_info_versions(uuid)",
    "public.ping()",
    "public.read_app_info_places(uuid[],boolean,text)",
    "public.read_app_info_export(uuid,text[],boolean,text)",
    "public.repositories_count(public.products)",
    "public.work_items_count(public.products)",
    "public.work_items_count(public.repositories)",
}
"""They read and write nothing: PostgREST lets them be called by GET."""

SETTINGS: dict[str, set[str]] = {
    "private.apply_github_import_chunk(uuid,uuid,uuid,jsonb,integer,jsonb)": {"TimeZone=UTC"},
    "private.apply_github_sync_chunk(uuid,uuid,uuid,jsonb,jsonb)": {"TimeZone=UTC"},
    "private.begin_github_sync(uuid,uuid,uuid,integer)": {"TimeZone=UTC"},
    "private.check_github_connection_usable(private.github_connections)": {"TimeZone=UTC"},
    "private.finish_github_sync(uuid,uuid,uuid,jsonb)": {"TimeZone=UTC"},
    "private.get_sealed_github_token(text)": {"TimeZone=UTC"},
    "private.github_connection_view(private.github_connections)": {"TimeZone=UTC"},
    "private.list_app_info_versions(uuid)": {"TimeZone=UTC"},
    "private.lock_usable_github_connection(uuid)": {"TimeZone=UTC"},
    "private.read_github_sync_token(uuid,uuid,uuid)": {"TimeZone=UTC"},
    "private.record_activity()": {"TimeZone=UTC"},
    "private.record_idempotent_row()": {"TimeZone=UTC"},
    "private.request_github_sync()": {"TimeZone=UTC"},
    "private.reveal_app_info(uuid,integer,text)": {"TimeZone=UTC"},
}
"""What a function sets beside its search_path. Times are written as UTC, whatever the session's zone."""

ROLE_SETTINGS: set[tuple[str, str]] = {
    ("anon", "statement_timeout=3s"),
    ("authenticated", "statement_timeout=8s"),
    # 030_requests
    ("authenticated", "lock_timeout=1s"),
    ("authenticator", "statement_timeout=8s"),
    ("authenticator", "lock_timeout=8s"),
    ("authenticator", "pgrst.db_pre_request=private.check_request"),
}
"""What bounds a request. A Supabase project has the time-outs of statements from the start."""
