-- What a system says of the person of a session beside their name.
ALTER TABLE session ADD COLUMN remark TEXT; -- few words: "disabled in Keycloak"; NULL = nothing is to be said
