export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]

export type Database = {

  "public": {
          Tables: {
            "access_tokens": {
                  Row: {
                    "created_at": string,"expires_at": string,"grants": (string)[],"hint": string,"id": string,"last_used_at": string | null,"name": string,"product_id": string | null,"revoked_at": string | null,"updated_at": string,"user_id": string,"version": number,"last_activity": {
              "action": string,
"actor": string,
"actor_id": string | null,
"changes": NonNullable<Json>,
"created_at": string,
"entity": string,
"entity_id": string,
"id": string,
"product_id": string | null,
"session_id": string | null,
"source_address": unknown,
"trash_id": string | null,
"updated_at": string,
"user_id": string,
"version": number
            } | null
                  }
                  ComputedFields: "last_activity"
                  Insert: {
                    "created_at"?: string,"expires_at": string,"grants"?: (string)[],"hint": string,"id"?: string,"last_used_at"?: string | null,"name": string,"product_id"?: string | null,"revoked_at"?: string | null,"updated_at"?: string,"user_id"?: string,"version"?: number
                  }
                  Update: {
                    "created_at"?: string,"expires_at"?: string,"grants"?: (string)[],"hint"?: string,"id"?: string,"last_used_at"?: string | null,"name"?: string,"product_id"?: string | null,"revoked_at"?: string | null,"updated_at"?: string,"user_id"?: string,"version"?: number
                  }
                  Relationships: [
                    {
      foreignKeyName: "access_tokens_product_fkey"
      columns: ["user_id","product_id"]
isOneToOne: false
      referencedRelation: "products"
      referencedColumns: ["user_id","id"]
    },{
      foreignKeyName: "access_tokens_user_fkey"
      columns: ["user_id"]
isOneToOne: false
      referencedRelation: "users"
      referencedColumns: ["id"]
    }
                  ]
                },"activity": {
                  Row: {
                    "action": string,"actor": string,"actor_id": string | null,"changes": NonNullable<Json>,"created_at": string,"entity": string,"entity_id": string,"id": string,"product_id": string | null,"session_id": string | null,"source_address": unknown,"trash_id": string | null,"updated_at": string,"user_id": string,"version": number
                  }
                  ComputedFields: never
                  Insert: {
                    "action": string,"actor": string,"actor_id"?: string | null,"changes"?: NonNullable<Json>,"created_at"?: string,"entity": string,"entity_id": string,"id"?: string,"product_id"?: string | null,"session_id"?: string | null,"source_address"?: unknown,"trash_id"?: string | null,"updated_at"?: string,"user_id": string,"version"?: number
                  }
                  Update: {
                    "action"?: string,"actor"?: string,"actor_id"?: string | null,"changes"?: NonNullable<Json>,"created_at"?: string,"entity"?: string,"entity_id"?: string,"id"?: string,"product_id"?: string | null,"session_id"?: string | null,"source_address"?: unknown,"trash_id"?: string | null,"updated_at"?: string,"user_id"?: string,"version"?: number
                  }
                  Relationships: [
                    {
      foreignKeyName: "activity_user_fkey"
      columns: ["user_id"]
isOneToOne: false
      referencedRelation: "users"
      referencedColumns: ["id"]
    }
                  ]
                },"app_info": {
                  Row: {
                    "category": string,"created_at": string,"description": string | null,"due_at": string,"environments_changed_at": string | null,"expires_at": string | null,"has_value": boolean,"id": string,"is_secret": boolean,"key": string,"last_revealed_at": string | null,"position": number,"product_id": string,"renewal_added_for": string | null,"rotate_every": string | null,"rotation_due_at": string | null,"secret_number": number | null,"terms": unknown,"updated_at": string,"user_id": string,"value": string | null,"value_changed_at": string | null,"version": number,"environments_now": {
              "app_info_id": string,
"created_at": string,
"environment": string,
"has_value": boolean,
"id": string,
"is_secret": boolean,
"product_id": string,
"secret_number": number | null,
"updated_at": string,
"user_id": string,
"value": string | null,
"value_changed_at": string | null,
"version": number
            } | null
                  }
                  ComputedFields: "environments_now"
                  Insert: {
                    "category"?: string,"created_at"?: string,"description"?: string | null,"due_at"?: string,"environments_changed_at"?: string | null,"expires_at"?: string | null,"has_value"?: boolean,"id"?: string,"is_secret"?: boolean,"key": string,"last_revealed_at"?: string | null,"position"?: number,"product_id": string,"renewal_added_for"?: string | null,"rotate_every"?: string | null,"rotation_due_at"?: string | null,"secret_number"?: number | null,"terms"?: unknown,"updated_at"?: string,"user_id"?: string,"value"?: string | null,"value_changed_at"?: string | null,"version"?: number
                  }
                  Update: {
                    "category"?: string,"created_at"?: string,"description"?: string | null,"due_at"?: string,"environments_changed_at"?: string | null,"expires_at"?: string | null,"has_value"?: boolean,"id"?: string,"is_secret"?: boolean,"key"?: string,"last_revealed_at"?: string | null,"position"?: number,"product_id"?: string,"renewal_added_for"?: string | null,"rotate_every"?: string | null,"rotation_due_at"?: string | null,"secret_number"?: number | null,"terms"?: unknown,"updated_at"?: string,"user_id"?: string,"value"?: string | null,"value_changed_at"?: string | null,"version"?: number
                  }
                  Relationships: [
                    {
      foreignKeyName: "app_info_product_fkey"
      columns: ["user_id","product_id"]
isOneToOne: false
      referencedRelation: "products"
      referencedColumns: ["user_id","id"]
    },{
      foreignKeyName: "app_info_user_fkey"
      columns: ["user_id"]
isOneToOne: false
      referencedRelation: "users"
      referencedColumns: ["id"]
    }
                  ]
                },"app_info_overrides": {
                  Row: {
                    "app_info_id": string,"created_at": string,"environment": string,"has_value": boolean,"id": string,"is_secret": boolean,"product_id": string,"secret_number": number | null,"updated_at": string,"user_id": string,"value": string | null,"value_changed_at": string | null,"version": number
                  }
                  ComputedFields: never
                  Insert: {
                    "app_info_id": string,"created_at"?: string,"environment": string,"has_value"?: boolean,"id"?: string,"is_secret"?: boolean,"product_id": string,"secret_number"?: number | null,"updated_at"?: string,"user_id"?: string,"value"?: string | null,"value_changed_at"?: string | null,"version"?: number
                  }
                  Update: {
                    "app_info_id"?: string,"created_at"?: string,"environment"?: string,"has_value"?: boolean,"id"?: string,"is_secret"?: boolean,"product_id"?: string,"secret_number"?: number | null,"updated_at"?: string,"user_id"?: string,"value"?: string | null,"value_changed_at"?: string | null,"version"?: number
                  }
                  Relationships: [
                    {
      foreignKeyName: "app_info_overrides_entry_fkey"
      columns: ["user_id","app_info_id","product_id","is_secret"]
isOneToOne: false
      referencedRelation: "app_info"
      referencedColumns: ["user_id","id","product_id","is_secret"]
    },{
      foreignKeyName: "app_info_overrides_user_fkey"
      columns: ["user_id"]
isOneToOne: false
      referencedRelation: "users"
      referencedColumns: ["id"]
    }
                  ]
                },"document_revisions": {
                  Row: {
                    "actor": string,"actor_id": string | null,"content": string,"content_bytes": number,"created_at": string,"document_id": string,"edited_until": string,"id": string,"number": number,"product_id": string,"title": string,"updated_at": string,"user_id": string,"version": number
                  }
                  ComputedFields: never
                  Insert: {
                    "actor": string,"actor_id"?: string | null,"content": string,"content_bytes": number,"created_at"?: string,"document_id": string,"edited_until"?: string,"id"?: string,"number": number,"product_id": string,"title": string,"updated_at"?: string,"user_id": string,"version"?: number
                  }
                  Update: {
                    "actor"?: string,"actor_id"?: string | null,"content"?: string,"content_bytes"?: number,"created_at"?: string,"document_id"?: string,"edited_until"?: string,"id"?: string,"number"?: number,"product_id"?: string,"title"?: string,"updated_at"?: string,"user_id"?: string,"version"?: number
                  }
                  Relationships: [
                    {
      foreignKeyName: "document_revisions_user_fkey"
      columns: ["user_id"]
isOneToOne: false
      referencedRelation: "users"
      referencedColumns: ["id"]
    }
                  ]
                },"documents": {
                  Row: {
                    "content": string,"created_at": string,"external_id": string | null,"id": string,"is_pinned": boolean,"product_id": string,"repository_id": string | null,"search": unknown,"terms": unknown,"title": string,"type": string,"updated_at": string,"user_id": string,"version": number,"revisions": {
              "actor": string,
"actor_id": string | null,
"content": string,
"content_bytes": number,
"created_at": string,
"document_id": string,
"edited_until": string,
"id": string,
"number": number,
"product_id": string,
"title": string,
"updated_at": string,
"user_id": string,
"version": number
            } | null
                  }
                  ComputedFields: "revisions"
                  Insert: {
                    "content"?: string,"created_at"?: string,"external_id"?: string | null,"id"?: string,"is_pinned"?: boolean,"product_id": string,"repository_id"?: string | null,"search"?: unknown,"terms"?: unknown,"title": string,"type"?: string,"updated_at"?: string,"user_id"?: string,"version"?: number
                  }
                  Update: {
                    "content"?: string,"created_at"?: string,"external_id"?: string | null,"id"?: string,"is_pinned"?: boolean,"product_id"?: string,"repository_id"?: string | null,"search"?: unknown,"terms"?: unknown,"title"?: string,"type"?: string,"updated_at"?: string,"user_id"?: string,"version"?: number
                  }
                  Relationships: [
                    {
      foreignKeyName: "documents_product_fkey"
      columns: ["user_id","product_id"]
isOneToOne: false
      referencedRelation: "products"
      referencedColumns: ["user_id","id"]
    },{
      foreignKeyName: "documents_repository_fkey"
      columns: ["repository_id","user_id","product_id"]
isOneToOne: false
      referencedRelation: "repositories"
      referencedColumns: ["id","user_id","product_id"]
    },{
      foreignKeyName: "documents_user_fkey"
      columns: ["user_id"]
isOneToOne: false
      referencedRelation: "users"
      referencedColumns: ["id"]
    }
                  ]
                },"github_runs": {
                  Row: {
                    "connection_id": string | null,"counts": NonNullable<Json>,"created_at": string,"done": number,"ended_at": string | null,"error": string | null,"flags": (string)[],"id": string,"next_sync_at": string | null,"points": number,"product_id": string | null,"rate_limit_remaining": number | null,"rate_limit_reset_at": string | null,"requests": number,"results": NonNullable<Json>,"started_at": string,"state": string,"total": number | null,"trigger": string,"updated_at": string,"user_id": string,"version": number
                  }
                  ComputedFields: never
                  Insert: {
                    "connection_id"?: string | null,"counts"?: NonNullable<Json>,"created_at"?: string,"done"?: number,"ended_at"?: string | null,"error"?: string | null,"flags"?: (string)[],"id"?: string,"next_sync_at"?: string | null,"points"?: number,"product_id"?: string | null,"rate_limit_remaining"?: number | null,"rate_limit_reset_at"?: string | null,"requests"?: number,"results"?: NonNullable<Json>,"started_at"?: string,"state"?: string,"total"?: number | null,"trigger": string,"updated_at"?: string,"user_id": string,"version"?: number
                  }
                  Update: {
                    "connection_id"?: string | null,"counts"?: NonNullable<Json>,"created_at"?: string,"done"?: number,"ended_at"?: string | null,"error"?: string | null,"flags"?: (string)[],"id"?: string,"next_sync_at"?: string | null,"points"?: number,"product_id"?: string | null,"rate_limit_remaining"?: number | null,"rate_limit_reset_at"?: string | null,"requests"?: number,"results"?: NonNullable<Json>,"started_at"?: string,"state"?: string,"total"?: number | null,"trigger"?: string,"updated_at"?: string,"user_id"?: string,"version"?: number
                  }
                  Relationships: [
                    {
      foreignKeyName: "github_runs_product_fkey"
      columns: ["user_id","product_id"]
isOneToOne: false
      referencedRelation: "products"
      referencedColumns: ["user_id","id"]
    },{
      foreignKeyName: "github_runs_user_fkey"
      columns: ["user_id"]
isOneToOne: false
      referencedRelation: "users"
      referencedColumns: ["id"]
    }
                  ]
                },"products": {
                  Row: {
                    "adds_renewal_work": boolean,"color": string | null,"commitment": string | null,"created_at": string,"description": string | null,"icon": string | null,"id": string,"name": string,"next_note": string | null,"terms": unknown,"updated_at": string,"user_id": string,"version": number,"app_info_count": number | null,"counts": Json | null,"documents_count": number | null,"repositories_count": number | null,"work_items_count": number | null
                  }
                  ComputedFields: "app_info_count" | "counts" | "documents_count" | "repositories_count" | "work_items_count"
                  Insert: {
                    "adds_renewal_work"?: boolean,"color"?: string | null,"commitment"?: string | null,"created_at"?: string,"description"?: string | null,"icon"?: string | null,"id"?: string,"name": string,"next_note"?: string | null,"terms"?: unknown,"updated_at"?: string,"user_id"?: string,"version"?: number
                  }
                  Update: {
                    "adds_renewal_work"?: boolean,"color"?: string | null,"commitment"?: string | null,"created_at"?: string,"description"?: string | null,"icon"?: string | null,"id"?: string,"name"?: string,"next_note"?: string | null,"terms"?: unknown,"updated_at"?: string,"user_id"?: string,"version"?: number
                  }
                  Relationships: [
                    {
      foreignKeyName: "products_user_fkey"
      columns: ["user_id"]
isOneToOne: false
      referencedRelation: "users"
      referencedColumns: ["id"]
    }
                  ]
                },"repositories": {
                  Row: {
                    "created_at": string,"default_branch": string | null,"description": string | null,"env_example_keys": (string)[] | null,"env_example_oid": string | null,"first_missing_at": string | null,"forks_count": number,"full_name": string | null,"github_id": number | null,"id": string,"is_archived": boolean,"is_private": boolean,"language": string | null,"missing_count": number,"missing_decision": string | null,"name": string,"node_id": string | null,"notes": string | null,"previous_full_names": (string)[],"product_id": string,"pushed_at": string | null,"stars_count": number,"sync_reason": string | null,"sync_state": string | null,"sync_url": string | null,"synced_at": string | null,"terms": unknown,"updated_at": string,"url": string | null,"user_id": string,"version": number,"documents_count": number | null,"work_items_count": number | null
                  }
                  ComputedFields: "documents_count" | "work_items_count"
                  Insert: {
                    "created_at"?: string,"default_branch"?: string | null,"description"?: string | null,"env_example_keys"?: (string)[] | null,"env_example_oid"?: string | null,"first_missing_at"?: string | null,"forks_count"?: number,"full_name"?: string | null,"github_id"?: number | null,"id"?: string,"is_archived"?: boolean,"is_private"?: boolean,"language"?: string | null,"missing_count"?: number,"missing_decision"?: string | null,"name": string,"node_id"?: string | null,"notes"?: string | null,"previous_full_names"?: (string)[],"product_id": string,"pushed_at"?: string | null,"stars_count"?: number,"sync_reason"?: string | null,"sync_state"?: string | null,"sync_url"?: string | null,"synced_at"?: string | null,"terms"?: unknown,"updated_at"?: string,"url"?: string | null,"user_id"?: string,"version"?: number
                  }
                  Update: {
                    "created_at"?: string,"default_branch"?: string | null,"description"?: string | null,"env_example_keys"?: (string)[] | null,"env_example_oid"?: string | null,"first_missing_at"?: string | null,"forks_count"?: number,"full_name"?: string | null,"github_id"?: number | null,"id"?: string,"is_archived"?: boolean,"is_private"?: boolean,"language"?: string | null,"missing_count"?: number,"missing_decision"?: string | null,"name"?: string,"node_id"?: string | null,"notes"?: string | null,"previous_full_names"?: (string)[],"product_id"?: string,"pushed_at"?: string | null,"stars_count"?: number,"sync_reason"?: string | null,"sync_state"?: string | null,"sync_url"?: string | null,"synced_at"?: string | null,"terms"?: unknown,"updated_at"?: string,"url"?: string | null,"user_id"?: string,"version"?: number
                  }
                  Relationships: [
                    {
      foreignKeyName: "repositories_product_fkey"
      columns: ["user_id","product_id"]
isOneToOne: false
      referencedRelation: "products"
      referencedColumns: ["user_id","id"]
    },{
      foreignKeyName: "repositories_user_fkey"
      columns: ["user_id"]
isOneToOne: false
      referencedRelation: "users"
      referencedColumns: ["id"]
    }
                  ]
                },"trash": {
                  Row: {
                    "actor": string,"actor_id": string | null,"counts": NonNullable<Json>,"created_at": string,"entity": string,"entity_id": string | null,"expires_at": string,"id": string,"product_id": string | null,"title": string,"transaction_id": unknown,"updated_at": string,"user_id": string,"version": number
                  }
                  ComputedFields: never
                  Insert: {
                    "actor": string,"actor_id"?: string | null,"counts"?: NonNullable<Json>,"created_at"?: string,"entity": string,"entity_id"?: string | null,"expires_at"?: string,"id"?: string,"product_id"?: string | null,"title": string,"transaction_id"?: unknown,"updated_at"?: string,"user_id": string,"version"?: number
                  }
                  Update: {
                    "actor"?: string,"actor_id"?: string | null,"counts"?: NonNullable<Json>,"created_at"?: string,"entity"?: string,"entity_id"?: string | null,"expires_at"?: string,"id"?: string,"product_id"?: string | null,"title"?: string,"transaction_id"?: unknown,"updated_at"?: string,"user_id"?: string,"version"?: number
                  }
                  Relationships: [
                    {
      foreignKeyName: "trash_user_fkey"
      columns: ["user_id"]
isOneToOne: false
      referencedRelation: "users"
      referencedColumns: ["id"]
    }
                  ]
                },"users": {
                  Row: {
                    "avatar_url": string | null,"created_at": string,"email": string | null,"github_username": string | null,"id": string,"updated_at": string,"version": number
                  }
                  ComputedFields: never
                  Insert: {
                    "avatar_url"?: string | null,"created_at"?: string,"email"?: string | null,"github_username"?: string | null,"id": string,"updated_at"?: string,"version"?: number
                  }
                  Update: {
                    "avatar_url"?: string | null,"created_at"?: string,"email"?: string | null,"github_username"?: string | null,"id"?: string,"updated_at"?: string,"version"?: number
                  }
                  Relationships: [

                  ]
                },"visits": {
                  Row: {
                    "created_at": string,"id": string,"product_id": string,"seen_at": string,"updated_at": string,"user_id": string,"version": number
                  }
                  ComputedFields: never
                  Insert: {
                    "created_at"?: string,"id"?: string,"product_id": string,"seen_at": string,"updated_at"?: string,"user_id": string,"version"?: number
                  }
                  Update: {
                    "created_at"?: string,"id"?: string,"product_id"?: string,"seen_at"?: string,"updated_at"?: string,"user_id"?: string,"version"?: number
                  }
                  Relationships: [
                    {
      foreignKeyName: "visits_product_fkey"
      columns: ["user_id","product_id"]
isOneToOne: true
      referencedRelation: "products"
      referencedColumns: ["user_id","id"]
    },{
      foreignKeyName: "visits_user_fkey"
      columns: ["user_id"]
isOneToOne: false
      referencedRelation: "users"
      referencedColumns: ["id"]
    }
                  ]
                },"work_items": {
                  Row: {
                    "created_at": string,"description": string | null,"external_id": string | null,"id": string,"priority": number,"product_id": string,"repository_id": string | null,"status": string,"terms": unknown,"title": string,"type": string,"updated_at": string,"urgency": number,"user_id": string,"version": number
                  }
                  ComputedFields: never
                  Insert: {
                    "created_at"?: string,"description"?: string | null,"external_id"?: string | null,"id"?: string,"priority"?: number,"product_id": string,"repository_id"?: string | null,"status"?: string,"terms"?: unknown,"title": string,"type"?: string,"updated_at"?: string,"urgency"?: number,"user_id"?: string,"version"?: number
                  }
                  Update: {
                    "created_at"?: string,"description"?: string | null,"external_id"?: string | null,"id"?: string,"priority"?: number,"product_id"?: string,"repository_id"?: string | null,"status"?: string,"terms"?: unknown,"title"?: string,"type"?: string,"updated_at"?: string,"urgency"?: number,"user_id"?: string,"version"?: number
                  }
                  Relationships: [
                    {
      foreignKeyName: "work_items_product_fkey"
      columns: ["user_id","product_id"]
isOneToOne: false
      referencedRelation: "products"
      referencedColumns: ["user_id","id"]
    },{
      foreignKeyName: "work_items_repository_fkey"
      columns: ["repository_id","user_id","product_id"]
isOneToOne: false
      referencedRelation: "repositories"
      referencedColumns: ["id","user_id","product_id"]
    },{
      foreignKeyName: "work_items_user_fkey"
      columns: ["user_id"]
isOneToOne: false
      referencedRelation: "users"
      referencedColumns: ["id"]
    }
                  ]
                }
          }
          Views: {
            "activity_lines": {
                  Row: {
                    "action": string,"actor": string,"actor_id": string | null,"changes": NonNullable<Json>,"created_at": string,"entity": string,"entity_id": string,"id": string,"product_id": string | null,"updated_at": string,"user_id": string,"version": number,"session_id": string | null,"source_address": unknown,"summary": string | null,"title": string | null
                  }
                  ComputedFields: "session_id" | "source_address" | "summary" | "title"
                  Insert: {
                           "action"?: string | null,"actor"?: string | null,"actor_id"?: string | null,"changes"?: Json | null,"created_at"?: string | null,"entity"?: string | null,"entity_id"?: string | null,"id"?: string | null,"product_id"?: string | null,"updated_at"?: string | null,"user_id"?: string | null,"version"?: number | null
                         }
                        Update: {
                           "action"?: string | null,"actor"?: string | null,"actor_id"?: string | null,"changes"?: Json | null,"created_at"?: string | null,"entity"?: string | null,"entity_id"?: string | null,"id"?: string | null,"product_id"?: string | null,"updated_at"?: string | null,"user_id"?: string | null,"version"?: number | null
                         }
                        Relationships: [
                    {
      foreignKeyName: "activity_user_fkey"
      columns: ["user_id"]
isOneToOne: false
      referencedRelation: "users"
      referencedColumns: ["id"]
    }
                  ]
                }
          }
          Functions: {
            "add_document":
{ Args: { "item": Json }; Returns: {
              "existing": boolean,"id": string,"product_id": string,"title": string,"type": string,"version": number
            }[]
                           },
"add_work_item":
{ Args: { "item": Json }; Returns: {
              "existing": boolean,"id": string,"priority": number,"product_id": string,"status": string,"title": string,"type": string,"version": number
            }[]
                           },
"app_info_count":
{ Args: { "": Database["public"]['Tables']["products"]['Row'] }; Returns: { error: true } & "the function public.app_info_count with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
                           },
"apply_github_import_chunk":
{ Args: { "connection_id": string,"next_page": number,"observations": Json,"run_id": string,"spent": Json,"user_id": string }; Returns: number
                           },
"apply_github_sync_chunk":
{ Args: { "connection_id": string,"observations": Json,"run_id": string,"spent": Json,"user_id": string }; Returns: Json
                           },
"begin_github_sync":
{ Args: { "connection_id": string,"lease_seconds": number,"run_id": string,"user_id": string }; Returns: Json
                           },
"change_work_item":
{ Args: { "changes": Json,"version": number,"work_item_id": string }; Returns: {
              "created_at": string,
"description": string | null,
"external_id": string | null,
"id": string,
"priority": number,
"product_id": string,
"repository_id": string | null,
"status": string,
"terms": unknown,
"title": string,
"type": string,
"updated_at": string,
"urgency": number,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "work_items"
        isOneToOne: false
        isSetofReturn: true
      } },
"claim_due_github_connections":
{ Args: { "lease_seconds": number,"max_connections": number }; Returns: {
              "connection_id": string,"run_id": string,"user_id": string
            }[]
                           },
"claim_github_token_refresh":
{ Args: { "connection_id": string,"run_id": string,"token_id": string,"user_id": string }; Returns: Json
                           },
"claim_own_token_refresh":
{ Args: { "import_key": string,"token_id": string }; Returns: Json
                           },
"compare_app_info":
{ Args: { "app_info_key": string,"keys": (string)[],"target_product_id": string }; Returns: Json
                           },
"compare_repositories":
{ Args: { "items": Json,"target_product_id": string }; Returns: {
              "github_id": number,"id": string,"outcome": string
            }[]
                           },
"counts":
{ Args: { "": Database["public"]['Tables']["products"]['Row'] }; Returns: { error: true } & "the function public.counts with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
                           },
"create_access_token":
{ Args: { "expires_in_days": number,"grants": (string)[],"hint": string,"name": string,"product_id": string,"sha256": string }; Returns: {
              "created_at": string,
"expires_at": string,
"grants": (string)[],
"hint": string,
"id": string,
"last_used_at": string | null,
"name": string,
"product_id": string | null,
"revoked_at": string | null,
"updated_at": string,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "access_tokens"
        isOneToOne: false
        isSetofReturn: true
      } },
"create_app_info":
{ Args: { "items": Json }; Returns: {
              "category": string,
"created_at": string,
"description": string | null,
"due_at": string,
"environments_changed_at": string | null,
"expires_at": string | null,
"has_value": boolean,
"id": string,
"is_secret": boolean,
"key": string,
"last_revealed_at": string | null,
"position": number,
"product_id": string,
"renewal_added_for": string | null,
"rotate_every": string | null,
"rotation_due_at": string | null,
"secret_number": number | null,
"terms": unknown,
"updated_at": string,
"user_id": string,
"value": string | null,
"value_changed_at": string | null,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "app_info"
        isOneToOne: false
        isSetofReturn: true
      } },
"create_documents":
{ Args: { "items": Json }; Returns: {
              "content": string,
"created_at": string,
"external_id": string | null,
"id": string,
"is_pinned": boolean,
"product_id": string,
"repository_id": string | null,
"search": unknown,
"terms": unknown,
"title": string,
"type": string,
"updated_at": string,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "documents"
        isOneToOne: false
        isSetofReturn: true
      } },
"create_products":
{ Args: { "items": Json }; Returns: {
              "adds_renewal_work": boolean,
"color": string | null,
"commitment": string | null,
"created_at": string,
"description": string | null,
"icon": string | null,
"id": string,
"name": string,
"next_note": string | null,
"terms": unknown,
"updated_at": string,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "products"
        isOneToOne: false
        isSetofReturn: true
      } },
"create_repositories":
{ Args: { "items": Json }; Returns: {
              "created_at": string,
"default_branch": string | null,
"description": string | null,
"env_example_keys": (string)[] | null,
"env_example_oid": string | null,
"first_missing_at": string | null,
"forks_count": number,
"full_name": string | null,
"github_id": number | null,
"id": string,
"is_archived": boolean,
"is_private": boolean,
"language": string | null,
"missing_count": number,
"missing_decision": string | null,
"name": string,
"node_id": string | null,
"notes": string | null,
"previous_full_names": (string)[],
"product_id": string,
"pushed_at": string | null,
"stars_count": number,
"sync_reason": string | null,
"sync_state": string | null,
"sync_url": string | null,
"synced_at": string | null,
"terms": unknown,
"updated_at": string,
"url": string | null,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "repositories"
        isOneToOne: false
        isSetofReturn: true
      } },
"create_work_items":
{ Args: { "items": Json }; Returns: {
              "created_at": string,
"description": string | null,
"external_id": string | null,
"id": string,
"priority": number,
"product_id": string,
"repository_id": string | null,
"status": string,
"terms": unknown,
"title": string,
"type": string,
"updated_at": string,
"urgency": number,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "work_items"
        isOneToOne: false
        isSetofReturn: true
      } },
"decide_missing_repositories":
{ Args: { "decision": string,"github_ids"?: (number)[] }; Returns: {
              "full_name": string,"github_id": number,"id": string,"missing_decision": string,"product_id": string,"sync_state": string
            }[]
                           },
"delete_account":
{ Args: { "confirm": string }; Returns: undefined
                           },
"delete_app_info":
{ Args: { "items": Json }; Returns: number
                           },
"delete_app_info_override":
{ Args: { "entry_id": string,"environment": string,"versions"?: (number)[] }; Returns: undefined
                           },
"delete_documents":
{ Args: { "items": Json }; Returns: number
                           },
"delete_github_connection":
{ Args: Record<PropertyKey, never>; Returns: boolean
                           },
"delete_products":
{ Args: { "items": Json }; Returns: number
                           },
"delete_repositories":
{ Args: { "items": Json }; Returns: number
                           },
"delete_work_items":
{ Args: { "items": Json }; Returns: number
                           },
"documents_count":
{ Args: { "": Database["public"]['Tables']["products"]['Row'] }; Returns: { error: true } & "the function public.documents_count with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
                           } |
{ Args: { "": Database["public"]['Tables']["repositories"]['Row'] }; Returns: { error: true } & "the function public.documents_count with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
                           },
"edit_document":
{ Args: { "document_id": string,"edit_mode": string,"new_text": string,"passage"?: string,"versions"?: (number)[] }; Returns: {
              "after": string,"before": string,"content_bytes": number,"created_at": string,"external_id": string,"id": string,"is_pinned": boolean,"product_id": string,"repository_id": string,"title": string,"type": string,"updated_at": string,"user_id": string,"version": number
            }[]
                           },
"env_drift":
{ Args: { "target_product_id": string }; Returns: Json
                           },
"environments_now":
{ Args: { "": Database["public"]['Tables']["app_info"]['Row'] }; Returns: { error: true } & "the function public.environments_now with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
                          SetofOptions: {
        from: "app_info"
        to: "app_info_overrides"
        isOneToOne: false
        isSetofReturn: true
      } },
"export_documents":
{ Args: { "of_product_id": string }; Returns: {
              "content": string,"created_at": string,"id": string,"is_pinned": boolean,"repository": string,"title": string,"type": string,"updated_at": string,"version": number
            }[]
                           },
"export_page":
{ Args: { "after_id"?: string,"after_number"?: number,"after_time"?: string,"changed_since"?: string,"max_bytes"?: number,"step": number }; Returns: {
              "at_step": number,"content": Json,"entity": string,"place_id": string,"place_number": number,"place_time": string
            }[]
                           },
"find_app_info":
{ Args: { "q": string }; Returns: {
              "category": string,
"created_at": string,
"description": string | null,
"due_at": string,
"environments_changed_at": string | null,
"expires_at": string | null,
"has_value": boolean,
"id": string,
"is_secret": boolean,
"key": string,
"last_revealed_at": string | null,
"position": number,
"product_id": string,
"renewal_added_for": string | null,
"rotate_every": string | null,
"rotation_due_at": string | null,
"secret_number": number | null,
"terms": unknown,
"updated_at": string,
"user_id": string,
"value": string | null,
"value_changed_at": string | null,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "app_info"
        isOneToOne: false
        isSetofReturn: true
      } },
"find_documents":
{ Args: { "q": string }; Returns: {
              "content": string,
"created_at": string,
"external_id": string | null,
"id": string,
"is_pinned": boolean,
"product_id": string,
"repository_id": string | null,
"search": unknown,
"terms": unknown,
"title": string,
"type": string,
"updated_at": string,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "documents"
        isOneToOne: false
        isSetofReturn: true
      } },
"find_product":
{ Args: { "named"?: string }; Returns: {
              "adds_renewal_work": boolean,
"color": string | null,
"commitment": string | null,
"created_at": string,
"description": string | null,
"icon": string | null,
"id": string,
"name": string,
"next_note": string | null,
"terms": unknown,
"updated_at": string,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "products"
        isOneToOne: false
        isSetofReturn: true
      } },
"find_products":
{ Args: { "q": string }; Returns: {
              "adds_renewal_work": boolean,
"color": string | null,
"commitment": string | null,
"created_at": string,
"description": string | null,
"icon": string | null,
"id": string,
"name": string,
"next_note": string | null,
"terms": unknown,
"updated_at": string,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "products"
        isOneToOne: false
        isSetofReturn: true
      } },
"find_repositories":
{ Args: { "q": string }; Returns: {
              "created_at": string,
"default_branch": string | null,
"description": string | null,
"env_example_keys": (string)[] | null,
"env_example_oid": string | null,
"first_missing_at": string | null,
"forks_count": number,
"full_name": string | null,
"github_id": number | null,
"id": string,
"is_archived": boolean,
"is_private": boolean,
"language": string | null,
"missing_count": number,
"missing_decision": string | null,
"name": string,
"node_id": string | null,
"notes": string | null,
"previous_full_names": (string)[],
"product_id": string,
"pushed_at": string | null,
"stars_count": number,
"sync_reason": string | null,
"sync_state": string | null,
"sync_url": string | null,
"synced_at": string | null,
"terms": unknown,
"updated_at": string,
"url": string | null,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "repositories"
        isOneToOne: false
        isSetofReturn: true
      } },
"find_work_items":
{ Args: { "q": string }; Returns: {
              "created_at": string,
"description": string | null,
"external_id": string | null,
"id": string,
"priority": number,
"product_id": string,
"repository_id": string | null,
"status": string,
"terms": unknown,
"title": string,
"type": string,
"updated_at": string,
"urgency": number,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "work_items"
        isOneToOne: false
        isSetofReturn: true
      } },
"finish_github_import":
{ Args: { "connection_id": string,"end_error": string,"end_reason"?: string,"run_id": string,"user_id": string }; Returns: {
              "connection_id": string | null,
"counts": NonNullable<Json>,
"created_at": string,
"done": number,
"ended_at": string | null,
"error": string | null,
"flags": (string)[],
"id": string,
"next_sync_at": string | null,
"points": number,
"product_id": string | null,
"rate_limit_remaining": number | null,
"rate_limit_reset_at": string | null,
"requests": number,
"results": NonNullable<Json>,
"started_at": string,
"state": string,
"total": number | null,
"trigger": string,
"updated_at": string,
"user_id": string,
"version": number
            }
                          SetofOptions: {
        from: "*"
        to: "github_runs"
        isOneToOne: true
        isSetofReturn: false
      } },
"finish_github_sync":
{ Args: { "connection_id": string,"ending": Json,"run_id": string,"user_id": string }; Returns: {
              "connection_id": string | null,
"counts": NonNullable<Json>,
"created_at": string,
"done": number,
"ended_at": string | null,
"error": string | null,
"flags": (string)[],
"id": string,
"next_sync_at": string | null,
"points": number,
"product_id": string | null,
"rate_limit_remaining": number | null,
"rate_limit_reset_at": string | null,
"requests": number,
"results": NonNullable<Json>,
"started_at": string,
"state": string,
"total": number | null,
"trigger": string,
"updated_at": string,
"user_id": string,
"version": number
            }
                          SetofOptions: {
        from: "*"
        to: "github_runs"
        isOneToOne: true
        isSetofReturn: false
      } },
"get_account":
{ Args: Record<PropertyKey, never>; Returns: {
              "created_at": string,"email": string,"id": string,"limits": Json,"usage": Json
            }[]
                           },
"get_current_access_token":
{ Args: Record<PropertyKey, never>; Returns: {
              "created_at": string,
"expires_at": string,
"grants": (string)[],
"hint": string,
"id": string,
"last_used_at": string | null,
"name": string,
"product_id": string | null,
"revoked_at": string | null,
"updated_at": string,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "access_tokens"
        isOneToOne: false
        isSetofReturn: true
      } },
"get_github_connection":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"get_github_connection_id":
{ Args: Record<PropertyKey, never>; Returns: string
                           },
"get_idempotent_answer":
{ Args: { "idempotency_key": string }; Returns: {
              "entity": string,"fingerprint": string,"rows": Json
            }[]
                           },
"get_sealed_github_token":
{ Args: { "import_key": string }; Returns: Json
                           },
"get_trash":
{ Args: { "set_id": string }; Returns: Json
                           },
"import_app_info":
{ Args: { "app_info_key": string,"items": Json,"keys": (string)[],"target_product_id": string }; Returns: number
                           },
"import_page":
{ Args: { "lines": Json,"mode": string,"on_conflict": string }; Returns: Json
                           },
"import_repositories":
{ Args: { "import_key": string,"items": Json,"target_product_id": string }; Returns: {
              "github_id": number,"id": string,"outcome": string
            }[]
                           },
"last_activity":
{ Args: { "": Database["public"]['Tables']["access_tokens"]['Row'] }; Returns: { error: true } & "the function public.last_activity with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
                          SetofOptions: {
        from: "access_tokens"
        to: "activity"
        isOneToOne: true
        isSetofReturn: true
      } },
"list_app_info_versions":
{ Args: { "entry_id": string }; Returns: Json
                           },
"list_maintenance_steps":
{ Args: Record<PropertyKey, never>; Returns: string[]
                           },
"mark_seen":
{ Args: { "product_id"?: string,"until"?: string }; Returns: undefined
                           },
"next_github_sync_chunk":
{ Args: { "connection_id": string,"run_id": string,"size": number,"user_id": string }; Returns: {
              "full_name": string,"github_id": number,"missing_decision": string,"node_id": string,"repository_id": string,"sync_state": string
            }[]
                           },
"note_access_token_use":
{ Args: Record<PropertyKey, never>; Returns: undefined
                           },
"pause_github_import":
{ Args: { "connection_id": string,"resume_at": string,"run_id": string,"user_id": string }; Returns: boolean
                           },
"ping":
{ Args: Record<PropertyKey, never>; Returns: string
                           },
"read_app_info_export":
{ Args: { "app_info_key": string,"categories": (string)[],"environment"?: string,"include_secrets": boolean,"target_product_id": string }; Returns: Json
                           },
"read_app_info_places":
{ Args: { "app_info_key": string,"entry_ids": (string)[],"with_values": boolean }; Returns: Json
                           },
"read_github_sync_token":
{ Args: { "connection_id": string,"run_id": string,"user_id": string }; Returns: Json
                           },
"record_app_info_export":
{ Args: { "app_info_key": string,"environment"?: string,"refused_by": string,"secrets": Json,"target_product_id": string }; Returns: undefined
                           },
"record_github_import":
{ Args: { "import_key": string,"run": Json }; Returns: string
                           },
"release_github_connections":
{ Args: { "run_ids": (string)[] }; Returns: number
                           },
"release_github_sync":
{ Args: { "run_id": string }; Returns: boolean
                           },
"report_github_limit":
{ Args: { "github_user_id": number,"import_key": string,"retry_at": string }; Returns: boolean
                           },
"report_github_refusal":
{ Args: { "import_key": string,"token_id": string }; Returns: boolean
                           },
"repositories_count":
{ Args: { "": Database["public"]['Tables']["products"]['Row'] }; Returns: { error: true } & "the function public.repositories_count with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
                           },
"request_github_import":
{ Args: { "github_ids": (number)[],"target_product_id": string }; Returns: {
              "connection_id": string | null,
"counts": NonNullable<Json>,
"created_at": string,
"done": number,
"ended_at": string | null,
"error": string | null,
"flags": (string)[],
"id": string,
"next_sync_at": string | null,
"points": number,
"product_id": string | null,
"rate_limit_remaining": number | null,
"rate_limit_reset_at": string | null,
"requests": number,
"results": NonNullable<Json>,
"started_at": string,
"state": string,
"total": number | null,
"trigger": string,
"updated_at": string,
"user_id": string,
"version": number
            }
                          SetofOptions: {
        from: "*"
        to: "github_runs"
        isOneToOne: true
        isSetofReturn: false
      } },
"request_github_sync":
{ Args: Record<PropertyKey, never>; Returns: {
              "connection_id": string | null,
"counts": NonNullable<Json>,
"created_at": string,
"done": number,
"ended_at": string | null,
"error": string | null,
"flags": (string)[],
"id": string,
"next_sync_at": string | null,
"points": number,
"product_id": string | null,
"rate_limit_remaining": number | null,
"rate_limit_reset_at": string | null,
"requests": number,
"results": NonNullable<Json>,
"started_at": string,
"state": string,
"total": number | null,
"trigger": string,
"updated_at": string,
"user_id": string,
"version": number
            }
                          SetofOptions: {
        from: "*"
        to: "github_runs"
        isOneToOne: true
        isSetofReturn: false
      } },
"restore_app_info":
{ Args: { "entry_id": string,"value_number": number,"versions": (number)[] }; Returns: {
              "category": string,
"created_at": string,
"description": string | null,
"due_at": string,
"environments_changed_at": string | null,
"expires_at": string | null,
"has_value": boolean,
"id": string,
"is_secret": boolean,
"key": string,
"last_revealed_at": string | null,
"position": number,
"product_id": string,
"renewal_added_for": string | null,
"rotate_every": string | null,
"rotation_due_at": string | null,
"secret_number": number | null,
"terms": unknown,
"updated_at": string,
"user_id": string,
"value": string | null,
"value_changed_at": string | null,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "app_info"
        isOneToOne: false
        isSetofReturn: true
      } },
"restore_document_revision":
{ Args: { "document_id": string,"revision_number": number,"versions"?: (number)[] }; Returns: {
              "content": string,
"created_at": string,
"external_id": string | null,
"id": string,
"is_pinned": boolean,
"product_id": string,
"repository_id": string | null,
"search": unknown,
"terms": unknown,
"title": string,
"type": string,
"updated_at": string,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "documents"
        isOneToOne: false
        isSetofReturn: true
      } },
"restore_trash":
{ Args: { "on_conflict"?: string,"set_id": string }; Returns: Json
                           },
"resume":
{ Args: { "max_products"?: number,"product_id"?: string }; Returns: Json
                           },
"reveal_app_info":
{ Args: { "app_info_key": string,"entry_id": string,"environment"?: string,"value_number": number }; Returns: Json
                           },
"revisions":
{ Args: { "": Database["public"]['Tables']["documents"]['Row'] }; Returns: { error: true } & "the function public.revisions with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
                          SetofOptions: {
        from: "documents"
        to: "document_revisions"
        isOneToOne: false
        isSetofReturn: true
      } },
"revoke_access_token":
{ Args: { "token_id": string }; Returns: boolean
                           },
"run_maintenance":
{ Args: { "step": string }; Returns: {
              "is_finished": boolean,"removed": number
            }[]
                           },
"save_env_examples":
{ Args: { "import_key": string,"items": Json }; Returns: number
                           },
"save_github_connection":
{ Args: { "connection": Json,"import_key": string }; Returns: Json
                           },
"save_own_refreshed_token":
{ Args: { "connection": Json,"import_key": string }; Returns: boolean
                           },
"save_refreshed_github_token":
{ Args: { "connection": Json,"connection_id": string,"run_id": string,"user_id": string }; Returns: boolean
                           },
"search":
{ Args: { "kinds"?: (string)[],"product_id"?: string,"query": string,"want"?: number }; Returns: {
              "entity": string,"excerpt": string,"id": string,"in_title": boolean,"product_id": string,"title": string,"updated_at": string
            }[]
                           },
"session_id":
{ Args: { "": Database["public"]['Views']["activity_lines"]['Row'] }; Returns: { error: true } & "the function public.session_id with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
                           },
"source_address":
{ Args: { "": Database["public"]['Views']["activity_lines"]['Row'] }; Returns: { error: true } & "the function public.source_address with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
                           },
"start_export":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"summary":
{ Args: { "": Database["public"]['Views']["activity_lines"]['Row'] }; Returns: { error: true } & "the function public.summary with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
                           },
"title":
{ Args: { "": Database["public"]['Views']["activity_lines"]['Row'] }; Returns: { error: true } & "the function public.title with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
                           },
"update_app_info":
{ Args: { "items": Json }; Returns: {
              "category": string,
"created_at": string,
"description": string | null,
"due_at": string,
"environments_changed_at": string | null,
"expires_at": string | null,
"has_value": boolean,
"id": string,
"is_secret": boolean,
"key": string,
"last_revealed_at": string | null,
"position": number,
"product_id": string,
"renewal_added_for": string | null,
"rotate_every": string | null,
"rotation_due_at": string | null,
"secret_number": number | null,
"terms": unknown,
"updated_at": string,
"user_id": string,
"value": string | null,
"value_changed_at": string | null,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "app_info"
        isOneToOne: false
        isSetofReturn: true
      } },
"update_documents":
{ Args: { "items": Json }; Returns: {
              "content": string,
"created_at": string,
"external_id": string | null,
"id": string,
"is_pinned": boolean,
"product_id": string,
"repository_id": string | null,
"search": unknown,
"terms": unknown,
"title": string,
"type": string,
"updated_at": string,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "documents"
        isOneToOne: false
        isSetofReturn: true
      } },
"update_products":
{ Args: { "items": Json }; Returns: {
              "adds_renewal_work": boolean,
"color": string | null,
"commitment": string | null,
"created_at": string,
"description": string | null,
"icon": string | null,
"id": string,
"name": string,
"next_note": string | null,
"terms": unknown,
"updated_at": string,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "products"
        isOneToOne: false
        isSetofReturn: true
      } },
"update_repositories":
{ Args: { "items": Json }; Returns: {
              "created_at": string,
"default_branch": string | null,
"description": string | null,
"env_example_keys": (string)[] | null,
"env_example_oid": string | null,
"first_missing_at": string | null,
"forks_count": number,
"full_name": string | null,
"github_id": number | null,
"id": string,
"is_archived": boolean,
"is_private": boolean,
"language": string | null,
"missing_count": number,
"missing_decision": string | null,
"name": string,
"node_id": string | null,
"notes": string | null,
"previous_full_names": (string)[],
"product_id": string,
"pushed_at": string | null,
"stars_count": number,
"sync_reason": string | null,
"sync_state": string | null,
"sync_url": string | null,
"synced_at": string | null,
"terms": unknown,
"updated_at": string,
"url": string | null,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "repositories"
        isOneToOne: false
        isSetofReturn: true
      } },
"update_work_items":
{ Args: { "items": Json }; Returns: {
              "created_at": string,
"description": string | null,
"external_id": string | null,
"id": string,
"priority": number,
"product_id": string,
"repository_id": string | null,
"status": string,
"terms": unknown,
"title": string,
"type": string,
"updated_at": string,
"urgency": number,
"user_id": string,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "work_items"
        isOneToOne: false
        isSetofReturn: true
      } },
"work_items_count":
{ Args: { "": Database["public"]['Tables']["products"]['Row'] }; Returns: { error: true } & "the function public.work_items_count with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
                           } |
{ Args: { "": Database["public"]['Tables']["repositories"]['Row'] }; Returns: { error: true } & "the function public.work_items_count with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
                           },
"write_app_info":
{ Args: { "app_info_key": string,"items": Json }; Returns: {
              "category": string,
"created_at": string,
"description": string | null,
"due_at": string,
"environments_changed_at": string | null,
"expires_at": string | null,
"has_value": boolean,
"id": string,
"is_secret": boolean,
"key": string,
"last_revealed_at": string | null,
"position": number,
"product_id": string,
"renewal_added_for": string | null,
"rotate_every": string | null,
"rotation_due_at": string | null,
"secret_number": number | null,
"terms": unknown,
"updated_at": string,
"user_id": string,
"value": string | null,
"value_changed_at": string | null,
"version": number
            }[]
                          SetofOptions: {
        from: "*"
        to: "app_info"
        isOneToOne: false
        isSetofReturn: true
      } }
          }
          Enums: {
            [_ in never]: never
          }
          CompositeTypes: {
            "excerpt": {
                        "start": string | null,"truncated": boolean | null
                      }
          }
        }
}

type DatabaseWithoutInternals = Omit<Database, '__InternalSupabase'>

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "public">]

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] &
        DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] &
      DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])[TableName] extends {
      Row: infer R
    }
    ? R
    : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
  ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
      Row: infer R
    }
    ? R
    : never
  : never

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
      Insert: infer I
    }
    ? I
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
  ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Insert: infer I
    }
    ? I
    : never
  : never

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
      Update: infer U
    }
    ? U
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
  ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Update: infer U
    }
    ? U
    : never
  : never

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"]
    : never = never
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
  ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
  : never

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"]
    : never = never
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"]
  ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
  : never

export const Constants = {
  "public": {
          Enums: {

          }
        }
} as const
