-- People, sites and sessions of the tests, for every release.
INSERT INTO domains VALUES (1, 'local', 'local', true, 'local'), (2, 'corp.example', 'CORP', true, 'ActiveDirectory');
INSERT INTO system_users (id, name, email, friendly_name, domain_id, admin_level) VALUES
    (1, 'alice', 'alice@example.org', 'Alice Adams', 1, 0),
    (2, 'bob', 'bob@corp.example', 'Bob Baker', 2, 0),
    (3, 'carol', NULL, 'Carol Clark', 1, 0),
    (4, 'dave', '', 'Dave Dunn', 1, 0),
    (5, 'ann', 'ann@example.org', 'Ann Admin', 1, 10),
    (6, 'alice', 'alice@corp.example', 'Alice Archer', 2, 0);
INSERT INTO sites (id, name, url_namespace, status) VALUES
    (1, 'Default', '', 'active'), (2, 'Sales', 'Sales', 'active'), (3, 'Embedded', 'Embed', 'active');
INSERT INTO users (id, site_id, system_user_id, site_role_id) VALUES
    (11, 1, 1, 5), (12, 2, 1, 5), (21, 2, 2, 3), (31, 1, 3, 3), (41, 1, 4, 3), (51, 2, 5, 0), (61, 1, 6, 5);
INSERT INTO sessions (session_id, user_id, site_id, created_at, updated_at, shared_wg_write, salt, hashed_secret) VALUES
    ('bw2fDjpSTBubfi1cikHj8A', 11, 1, '2026-11-21 08:00:00', '2026-11-21 11:58:10', 'live-secret', 'salt', 'hash'),
    ('wqTo0XewTzWOGVtvCp08cg', 12, 2, '2026-11-21 09:30:00', '2026-11-21 11:40:00', 'live-secret', 'salt', 'hash'),
    ('CxwtPk9QSmGbcoyTraS-xQ', 21, 2, '2026-11-21 10:00:00', '2026-11-21 10:05:00', 'live-secret', 'salt', 'hash'),
    ('k3Vq8ZsT1mXb7RfYc5NdLw2HgJ9PaE4U', 31, 1, '2026-11-21 07:15:00', '2026-11-21 11:59:59', NULL, NULL, NULL),
    ('6b1c3d', 41, 1, '2026-11-21 07:20:00', '2026-11-21 07:21:00', NULL, NULL, NULL),
    ('UAiKwTNsSqyXrdr26HKC_Q', 61, 1, '2026-11-21 08:10:00', '2026-11-21 08:20:00', 'live-secret', 'salt', 'hash');
