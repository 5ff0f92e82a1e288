PRAGMA application_id = 1416982117;
PRAGMA user_version = 6;
BEGIN TRANSACTION;
CREATE TABLE access_log (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  credential TEXT NOT NULL,
  peer TEXT NOT NULL,
  method TEXT NOT NULL,
  reason TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE TABLE artifacts (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL,
  step_digest TEXT NOT NULL,
  role TEXT NOT NULL,
  kind TEXT NOT NULL,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  spec_name TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  file_count INTEGER NOT NULL,
  create_time INTEGER NOT NULL, project TEXT NOT NULL DEFAULT 'default',
  UNIQUE (run, step),
  FOREIGN KEY (run, step) REFERENCES steps (run, name)
) STRICT;
INSERT INTO "artifacts" VALUES(1,'sha256:168385a4f0834fbfab8c5dd58267c9c461af351ba2c556339d5a3f7fa6fd01cf','sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6','model','fake','20261122-091520-23c3','sft','good',1,1,1795338922356,'default');
INSERT INTO "artifacts" VALUES(2,'sha256:ebace88fc75879df75d74d53f9526ec105fa8e42bfea51470d95d11f9b56a0a8','sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76','evaluation','fake','20261122-091520-23c3','exam','good',17,1,1795338923707,'default');
CREATE TABLE attempts (
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  number INTEGER NOT NULL,
  events_offset INTEGER NOT NULL DEFAULT 0,
  events_sequence INTEGER NOT NULL DEFAULT 0,
  role TEXT,
  address TEXT,
  outcome TEXT,
  start_time INTEGER NOT NULL,
  end_time INTEGER, launches INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (run, step, number),
  FOREIGN KEY (run, step) REFERENCES steps (run, name)
) STRICT;
INSERT INTO "attempts" VALUES('20261122-091520-23c3','sft',1,293,3,'model',NULL,'SUCCEEDED',1795338920857,1795338922356,1);
INSERT INTO "attempts" VALUES('20261122-091520-23c3','exam',1,298,3,'evaluation',NULL,'SUCCEEDED',1795338922360,1795338923707,1);
INSERT INTO "attempts" VALUES('20261122-091523-4ae1','sft',1,100,1,NULL,NULL,'FAILED',1795338923921,1795338925731,1);
INSERT INTO "attempts" VALUES('20261122-091525-bfb9','sft',1,100,1,NULL,NULL,'FAILED',1795338925763,1795338927281,1);
INSERT INTO "attempts" VALUES('20261122-091527-9a4a','sft',1,0,0,NULL,NULL,'CANCELLED',1795338927305,1795338927724,1);
INSERT INTO "attempts" VALUES('20261122-091527-25a0','chat',1,197,2,NULL,'http://127.0.0.1:1',NULL,1795338927753,NULL,1);
INSERT INTO "attempts" VALUES('20261122-091528-f709','sft',1,475,3,NULL,NULL,'PAUSE_WANTED',1795338928957,1795338929997,1);
CREATE TABLE blocked (
  subject TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  created_by TEXT NOT NULL
) STRICT;
CREATE TABLE collected (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  project TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  reason TEXT NOT NULL,
  time INTEGER NOT NULL,
  actor TEXT NOT NULL
) STRICT;
CREATE TABLE deployments (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  revision INTEGER NOT NULL,
  spec_name TEXT NOT NULL,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  step_digest TEXT NOT NULL,
  state TEXT NOT NULL,
  stop_mode TEXT,
  address TEXT NOT NULL,
  failure TEXT,
  create_time INTEGER NOT NULL,
  end_time INTEGER, project TEXT NOT NULL DEFAULT 'default', restarts INTEGER NOT NULL DEFAULT 0, not_before INTEGER, ready_time INTEGER,
  UNIQUE (name, revision),
  FOREIGN KEY (run, step, attempt) REFERENCES attempts (run, step, number)
) STRICT;
INSERT INTO "deployments" VALUES(1,'served-chat',1,'served','20261122-091527-25a0','chat',1,'sha256:5b080cc5402e11414b6f62f98e632982963877c95691895b2ad6200763ca76a7','stopped','now','http://127.0.0.1:1',NULL,1795338928390,1795338928912,'default',0,NULL,1795338928390);
CREATE TABLE devices (
  uuid TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  memory_bytes INTEGER NOT NULL,
  parent TEXT,
  state TEXT NOT NULL CHECK (state IN ('free', 'settling', 'foreign', 'quarantined', 'missing')),
  reason TEXT NOT NULL,
  change_time INTEGER NOT NULL,
  idle_bytes INTEGER,
  known_errors INTEGER NOT NULL
) STRICT;
CREATE TABLE events (
  run TEXT NOT NULL REFERENCES runs (id),
  sequence INTEGER NOT NULL,
  time INTEGER NOT NULL,
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL, actor TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (run, sequence)
) STRICT, WITHOUT ROWID;
INSERT INTO "events" VALUES('20261122-091520-23c3',1,1795338920847,'',0,'run_created','{"name":"good","plan_digest":"sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f","steps":[{"action":"create","step":"sft"},{"action":"create","step":"exam"},{"action":"create","step":"gate"}]}','root');
INSERT INTO "events" VALUES('20261122-091520-23c3',2,1795338920857,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-091520-23c3',3,1795338920857,'sft',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-091520-23c3',4,1795338920997,'sft',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-091520-23c3',5,1795338922153,'sft',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-091520-23c3',6,1795338922154,'sft',1,'artifact','{"path":".","role":"model"}','daemon');
INSERT INTO "events" VALUES('20261122-091520-23c3',7,1795338922154,'sft',1,'phase','{"name":"done","seconds":0}','daemon');
INSERT INTO "events" VALUES('20261122-091520-23c3',8,1795338922356,'sft',1,'step_succeeded','{"artifact":"sha256:168385a4f0834fbfab8c5dd58267c9c461af351ba2c556339d5a3f7fa6fd01cf","bytes":1,"files":1,"peak_memory_bytes":19636224,"seconds":1.007}','daemon');
INSERT INTO "events" VALUES('20261122-091520-23c3',9,1795338922360,'exam',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-091520-23c3',10,1795338922491,'exam',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-091520-23c3',11,1795338923362,'exam',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-091520-23c3',12,1795338923363,'exam',1,'artifact','{"path":".","role":"evaluation"}','daemon');
INSERT INTO "events" VALUES('20261122-091520-23c3',13,1795338923363,'exam',1,'phase','{"name":"done","seconds":0}','daemon');
INSERT INTO "events" VALUES('20261122-091520-23c3',14,1795338923707,'exam',1,'step_succeeded','{"artifact":"sha256:ebace88fc75879df75d74d53f9526ec105fa8e42bfea51470d95d11f9b56a0a8","bytes":17,"files":1,"peak_memory_bytes":19333120,"seconds":0.725}','daemon');
INSERT INTO "events" VALUES('20261122-091520-23c3',15,1795338923716,'gate',0,'gate_evaluated','{"passed":true,"requirements":[{"evaluated":"exam.s.m 0.500 >= 0.1","passed":true,"written":"exam.s.m >= 0.1"}]}','daemon');
INSERT INTO "events" VALUES('20261122-091520-23c3',16,1795338923716,'gate',0,'step_succeeded','{}','daemon');
INSERT INTO "events" VALUES('20261122-091520-23c3',17,1795338923716,'',0,'run_succeeded','{}','daemon');
INSERT INTO "events" VALUES('20261122-091523-4ae1',1,1795338923919,'',0,'run_created','{"name":"bad","plan_digest":"sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb","steps":[{"action":"create","step":"sft"}]}','root');
INSERT INTO "events" VALUES('20261122-091523-4ae1',2,1795338923921,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-091523-4ae1',3,1795338923921,'sft',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-091523-4ae1',4,1795338924039,'sft',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-091523-4ae1',5,1795338925295,'sft',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-091523-4ae1',6,1795338925731,'sft',1,'step_failed','{"help":"","message":"the work failed","reason":"FAILED"}','daemon');
INSERT INTO "events" VALUES('20261122-091523-4ae1',7,1795338925731,'',0,'run_failed','{"help":"","message":"the work failed","reason":"FAILED","step":"sft"}','daemon');
INSERT INTO "events" VALUES('20261122-091523-dc46',1,1795338923759,'',0,'run_created','{"name":"good","plan_digest":"sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f","steps":[{"action":"reuse","step":"sft"},{"action":"reuse","step":"exam"},{"action":"reuse","step":"gate"}]}','root');
INSERT INTO "events" VALUES('20261122-091523-dc46',2,1795338923782,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-091523-dc46',3,1795338923782,'sft',0,'step_reused','{"artifact":"sha256:168385a4f0834fbfab8c5dd58267c9c461af351ba2c556339d5a3f7fa6fd01cf","source_run":"20261122-091520-23c3"}','daemon');
INSERT INTO "events" VALUES('20261122-091523-dc46',4,1795338923809,'exam',0,'step_reused','{"artifact":"sha256:ebace88fc75879df75d74d53f9526ec105fa8e42bfea51470d95d11f9b56a0a8","source_run":"20261122-091520-23c3"}','daemon');
INSERT INTO "events" VALUES('20261122-091523-dc46',5,1795338923908,'gate',0,'step_reused','{"source_run":"20261122-091520-23c3"}','daemon');
INSERT INTO "events" VALUES('20261122-091523-dc46',6,1795338923908,'',0,'run_succeeded','{}','daemon');
INSERT INTO "events" VALUES('20261122-091525-bfb9',1,1795338925746,'',0,'run_created','{"name":"bad","plan_digest":"sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb","retry_of":"20261122-091523-4ae1","steps":[{"action":"rerun","because":"its result is not at hand (the step did not finish, or was cleaned up)","step":"sft"}]}','root');
INSERT INTO "events" VALUES('20261122-091525-bfb9',2,1795338925763,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-091525-bfb9',3,1795338925763,'sft',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-091525-bfb9',4,1795338925886,'sft',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-091525-bfb9',5,1795338926900,'sft',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-091525-bfb9',6,1795338927281,'sft',1,'step_failed','{"help":"","message":"the work failed","reason":"FAILED"}','daemon');
INSERT INTO "events" VALUES('20261122-091525-bfb9',7,1795338927281,'',0,'run_failed','{"help":"","message":"the work failed","reason":"FAILED","step":"sft"}','daemon');
INSERT INTO "events" VALUES('20261122-091527-25a0',1,1795338927749,'',0,'run_created','{"name":"served","plan_digest":"sha256:2626e3abf57708a16ac7446d72c399ffdce610196babe762fc6f3efc5c0a54e9","steps":[{"action":"create","step":"chat"}]}','root');
INSERT INTO "events" VALUES('20261122-091527-25a0',2,1795338927753,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-091527-25a0',3,1795338927753,'chat',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-091527-25a0',4,1795338927859,'chat',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-091527-25a0',5,1795338928337,'chat',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-091527-25a0',6,1795338928337,'chat',1,'ready','{"address":"http://127.0.0.1:1"}','daemon');
INSERT INTO "events" VALUES('20261122-091527-25a0',7,1795338928390,'chat',1,'step_succeeded','{"address":"http://127.0.0.1:1"}','daemon');
INSERT INTO "events" VALUES('20261122-091527-25a0',8,1795338928390,'',0,'run_succeeded','{}','daemon');
INSERT INTO "events" VALUES('20261122-091527-25a0',9,1795338928404,'chat',1,'deployment_stopping','{"deployment":"served-chat","mode":"now","revision":1}','root');
INSERT INTO "events" VALUES('20261122-091527-25a0',10,1795338928912,'chat',1,'deployment_stopped','{"deployment":"served-chat","revision":1}','daemon');
INSERT INTO "events" VALUES('20261122-091527-9a4a',1,1795338927302,'',0,'run_created','{"name":"stopped","plan_digest":"sha256:91242452f89c99421f1aa58a396ea14b94e00570bf04e6dbf2f0d16b8e4c3666","steps":[{"action":"create","step":"sft"}]}','root');
INSERT INTO "events" VALUES('20261122-091527-9a4a',2,1795338927305,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-091527-9a4a',3,1795338927305,'sft',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-091527-9a4a',4,1795338927309,'',0,'run_cancelling','{"mode":"now","reason":"enough"}','root');
INSERT INTO "events" VALUES('20261122-091527-9a4a',5,1795338927309,'sft',1,'step_cancelling','{"mode":"now"}','root');
INSERT INTO "events" VALUES('20261122-091527-9a4a',6,1795338927724,'sft',1,'step_cancelled','{}','daemon');
INSERT INTO "events" VALUES('20261122-091527-9a4a',7,1795338927724,'',0,'run_cancelled','{}','daemon');
INSERT INTO "events" VALUES('20261122-091528-f709',1,1795338928933,'',0,'run_created','{"name":"rests","plan_digest":"sha256:8c0b6ba509ed40c40e0f55b6ff67ad7c2e0388a0a4f20e05725bd9c5521cee05","steps":[{"action":"create","step":"sft"}]}','root');
INSERT INTO "events" VALUES('20261122-091528-f709',2,1795338928957,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-091528-f709',3,1795338928957,'sft',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-091528-f709',4,1795338928966,'',0,'run_pausing','{"by":"ops","reason":"maintenance"}','root');
INSERT INTO "events" VALUES('20261122-091528-f709',5,1795338928973,'sft',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-091528-f709',6,1795338929755,'sft',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-091528-f709',7,1795338929755,'sft',1,'checkpoint','{"digest":"sha256:7777777777777777777777777777777777777777777777777777777777777777","path":"work/checkpoints/checkpoint-7","step":7}','daemon');
INSERT INTO "events" VALUES('20261122-091528-f709',8,1795338929756,'sft',1,'paused','{"checkpoint":"checkpoint-7","help":"","message":"somebody asked for it","reason":"PAUSE_WANTED"}','daemon');
INSERT INTO "events" VALUES('20261122-091528-f709',9,1795338929997,'sft',1,'step_paused','{"help":"","message":"somebody asked for it","reason":"PAUSE_WANTED"}','daemon');
INSERT INTO "events" VALUES('20261122-091528-f709',10,1795338929997,'',0,'run_paused','{"help":"go on with `tunewright resume`","message":"ops asked for it: maintenance","reason":"PAUSE_WANTED","step":""}','daemon');
CREATE TABLE holds (
  id INTEGER PRIMARY KEY,
  subject TEXT NOT NULL,
  project TEXT NOT NULL,
  reason TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  release_time INTEGER,
  released_by TEXT NOT NULL DEFAULT '',
  release_reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE machine_log (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE TABLE maintenance (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  reason TEXT NOT NULL,
  checkpoint INTEGER NOT NULL,
  deadline INTEGER,
  begin_time INTEGER NOT NULL,
  begun_by TEXT NOT NULL
) STRICT;
CREATE TABLE port_leases (
  port INTEGER PRIMARY KEY,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  FOREIGN KEY (run, step) REFERENCES steps (run, name)
) STRICT;
CREATE TABLE requests (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  digest TEXT NOT NULL,
  subject TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  PRIMARY KEY (project, id)
) STRICT, WITHOUT ROWID;
INSERT INTO "requests" VALUES('default','13f3c23880c54abeaf60a9da649d082a','sha256:d5df6cbb391837a33f163fb2e0b4a4075123023446c976b5f737d9840473b226','runs/20261122-091528-f709',1795338928966);
INSERT INTO "requests" VALUES('default','80e6da284d934c739a36790f2d37d143','sha256:b6eee148fd8c9acb3c3fe8935bf5a93b5d92cae3b5485aefdc7f00b69e9b7fb4','runs/20261122-091527-9a4a',1795338927309);
INSERT INTO "requests" VALUES('default','f1c2c9b5b9984da08dc66c9bdbc0d451','sha256:1c207e04661c9b1bd5cecfc2975323815095807e29b6d1122e4c0c12fb567f5c','deployments/served-chat',1795338928404);
CREATE TABLE runs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  spec_name TEXT NOT NULL,
  spec_path TEXT NOT NULL,
  base_directory TEXT NOT NULL,
  spec_text TEXT NOT NULL,
  profile TEXT NOT NULL,
  sets TEXT NOT NULL,
  plan TEXT NOT NULL,
  plan_digest TEXT NOT NULL,
  request_id TEXT UNIQUE,
  request_digest TEXT NOT NULL,
  retry_of TEXT REFERENCES runs (id),
  state TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  cancel_mode TEXT,
  cancel_reason TEXT NOT NULL DEFAULT '',
  failure TEXT,
  last_sequence INTEGER NOT NULL DEFAULT 0,
  create_time INTEGER NOT NULL,
  start_time INTEGER,
  end_time INTEGER
, project TEXT NOT NULL DEFAULT 'default', actor TEXT NOT NULL DEFAULT '', policy_digest TEXT NOT NULL DEFAULT '', request TEXT) STRICT;
INSERT INTO "runs" VALUES(1,'20261122-091520-23c3','good','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "good", "profile": null, "sets": [], "spec_digest": "sha256:d3acc91467a03907038203981d201a771f028912376c8a64c777f29468a55760", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 2 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"write": {"path": "outputs/m", "text": "x"}}, {"emit": {"kind": "artifact", "role": "model", "path": "."}}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6", "provenance": {}}, {"name": "exam", "verb": "train", "kind": "fake", "summary": "plays 2 acts", "needs": ["sft"], "inputs": {"from_sft": {"role": "model", "step": "sft", "path": null, "digest": null}}, "parameters": {"script": [{"write": {"path": "outputs/metrics.json", "text": "{\"s\": {\"m\": 0.5}}"}}, {"emit": {"kind": "artifact", "role": "evaluation", "path": "."}}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76", "provenance": {}}, {"name": "gate", "verb": "gate", "kind": "gate", "summary": "exam.s.m >= 0.1", "needs": ["exam"], "inputs": {}, "parameters": {}, "launch": null, "gate": {"require": ["exam.s.m >= 0.1"], "on_fail": "stop"}, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 10.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7", "provenance": {}}], "digest": "sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f"}','','[]','{"compiler_version":"test","digest":"sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"good","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:d3acc91467a03907038203981d201a771f028912376c8a64c777f29468a55760","steps":[{"digest":"sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"write":{"path":"outputs/m","text":"x"}},{"emit":{"kind":"artifact","path":".","role":"model"}}]},"provenance":{},"service":false,"summary":"plays 2 acts","verb":"train"},{"digest":"sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{"from_sft":{"digest":null,"path":null,"role":"model","step":"sft"}},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"exam","needs":["sft"],"not_executable":null,"parameters":{"script":[{"write":{"path":"outputs/metrics.json","text":"{\"s\": {\"m\": 0.5}}"}},{"emit":{"kind":"artifact","path":".","role":"evaluation"}}]},"provenance":{},"service":false,"summary":"plays 2 acts","verb":"train"},{"digest":"sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":{"on_fail":"stop","require":["exam.s.m >= 0.1"]},"identity":{},"inputs":{},"kind":"gate","launch":null,"limits":{"grace_seconds":10,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"gate","needs":["exam"],"not_executable":null,"parameters":{},"provenance":{},"service":false,"summary":"exam.s.m >= 0.1","verb":"gate"}]}','sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f',NULL,'sha256:172d1873bcebab876323684621c7a10fcd5f4a4de863210bbc2aece5cb579310',NULL,'succeeded',8,NULL,'',NULL,17,1795338920847,1795338920857,1795338923716,'default','root','','first');
INSERT INTO "runs" VALUES(2,'20261122-091523-dc46','good','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "good", "profile": null, "sets": [], "spec_digest": "sha256:d3acc91467a03907038203981d201a771f028912376c8a64c777f29468a55760", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 2 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"write": {"path": "outputs/m", "text": "x"}}, {"emit": {"kind": "artifact", "role": "model", "path": "."}}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6", "provenance": {}}, {"name": "exam", "verb": "train", "kind": "fake", "summary": "plays 2 acts", "needs": ["sft"], "inputs": {"from_sft": {"role": "model", "step": "sft", "path": null, "digest": null}}, "parameters": {"script": [{"write": {"path": "outputs/metrics.json", "text": "{\"s\": {\"m\": 0.5}}"}}, {"emit": {"kind": "artifact", "role": "evaluation", "path": "."}}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76", "provenance": {}}, {"name": "gate", "verb": "gate", "kind": "gate", "summary": "exam.s.m >= 0.1", "needs": ["exam"], "inputs": {}, "parameters": {}, "launch": null, "gate": {"require": ["exam.s.m >= 0.1"], "on_fail": "stop"}, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 10.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7", "provenance": {}}], "digest": "sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f"}','','[]','{"compiler_version":"test","digest":"sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"good","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:d3acc91467a03907038203981d201a771f028912376c8a64c777f29468a55760","steps":[{"digest":"sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"write":{"path":"outputs/m","text":"x"}},{"emit":{"kind":"artifact","path":".","role":"model"}}]},"provenance":{},"service":false,"summary":"plays 2 acts","verb":"train"},{"digest":"sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{"from_sft":{"digest":null,"path":null,"role":"model","step":"sft"}},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"exam","needs":["sft"],"not_executable":null,"parameters":{"script":[{"write":{"path":"outputs/metrics.json","text":"{\"s\": {\"m\": 0.5}}"}},{"emit":{"kind":"artifact","path":".","role":"evaluation"}}]},"provenance":{},"service":false,"summary":"plays 2 acts","verb":"train"},{"digest":"sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":{"on_fail":"stop","require":["exam.s.m >= 0.1"]},"identity":{},"inputs":{},"kind":"gate","launch":null,"limits":{"grace_seconds":10,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"gate","needs":["exam"],"not_executable":null,"parameters":{},"provenance":{},"service":false,"summary":"exam.s.m >= 0.1","verb":"gate"}]}','sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f',NULL,'sha256:172d1873bcebab876323684621c7a10fcd5f4a4de863210bbc2aece5cb579310',NULL,'succeeded',4,NULL,'',NULL,6,1795338923759,1795338923782,1795338923908,'default','root','','9fe23a6c6089439abada62b21fbde11f');
INSERT INTO "runs" VALUES(3,'20261122-091523-4ae1','bad','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "bad", "profile": null, "sets": [], "spec_digest": "sha256:cbfeda2b1f044ccca4ea9dac0fe08a34af201914e29adf982262f1d735d08996", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 1 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"exit": 1}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf", "provenance": {}}], "digest": "sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb"}','','[]','{"compiler_version":"test","digest":"sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"bad","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:cbfeda2b1f044ccca4ea9dac0fe08a34af201914e29adf982262f1d735d08996","steps":[{"digest":"sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"exit":1}]},"provenance":{},"service":false,"summary":"plays 1 acts","verb":"train"}]}','sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb',NULL,'sha256:8ae29e42385bc1fc6f5b5b9196769064d942f8854410af54b5677ae5de1b69ca',NULL,'failed',4,NULL,'','{"reason": "FAILED", "message": "the work failed", "help": "", "step": "sft"}',7,1795338923919,1795338923921,1795338925731,'default','root','','a2602b09fe264338ba174134c51d964d');
INSERT INTO "runs" VALUES(4,'20261122-091525-bfb9','bad','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "bad", "profile": null, "sets": [], "spec_digest": "sha256:cbfeda2b1f044ccca4ea9dac0fe08a34af201914e29adf982262f1d735d08996", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 1 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"exit": 1}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf", "provenance": {}}], "digest": "sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb"}','','[]','{"compiler_version":"test","digest":"sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"bad","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:cbfeda2b1f044ccca4ea9dac0fe08a34af201914e29adf982262f1d735d08996","steps":[{"digest":"sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"exit":1}]},"provenance":{},"service":false,"summary":"plays 1 acts","verb":"train"}]}','sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb',NULL,'sha256:a279980cfbb1c6bec1098a0872da261e6f617e67916a298ce4451308df83acdc','20261122-091523-4ae1','failed',4,NULL,'','{"reason": "FAILED", "message": "the work failed", "help": "", "step": "sft"}',7,1795338925746,1795338925763,1795338927281,'default','root','','second');
INSERT INTO "runs" VALUES(5,'20261122-091527-9a4a','stopped','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "stopped", "profile": null, "sets": [], "spec_digest": "sha256:15b0fb141b7672221ecefd53ca5a29ea042e3bc3bad9e08c11df0cebce279c2e", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 1 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"sleep": 300}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:7d2a4d9cd59a9c0f24579405a76bf2880fe342872a5fb4f67f0a2bd8f8e24de1", "provenance": {}}], "digest": "sha256:91242452f89c99421f1aa58a396ea14b94e00570bf04e6dbf2f0d16b8e4c3666"}','','[]','{"compiler_version":"test","digest":"sha256:91242452f89c99421f1aa58a396ea14b94e00570bf04e6dbf2f0d16b8e4c3666","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"stopped","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:15b0fb141b7672221ecefd53ca5a29ea042e3bc3bad9e08c11df0cebce279c2e","steps":[{"digest":"sha256:7d2a4d9cd59a9c0f24579405a76bf2880fe342872a5fb4f67f0a2bd8f8e24de1","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"sleep":300}]},"provenance":{},"service":false,"summary":"plays 1 acts","verb":"train"}]}','sha256:91242452f89c99421f1aa58a396ea14b94e00570bf04e6dbf2f0d16b8e4c3666',NULL,'sha256:c61ee29419c5a642c7b9d6a102214ef48342921557eed07cec0aabfb798b7157',NULL,'cancelled',4,'now','enough',NULL,7,1795338927302,1795338927305,1795338927724,'default','root','','c8091696dcf8457e8d63bdea9b5e9a5d');
INSERT INTO "runs" VALUES(6,'20261122-091527-25a0','served','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "served", "profile": null, "sets": [], "spec_digest": "sha256:ed1c62d5501d70fedbbbcedf3abdea3d717ffae2e84b0f86d1f3af6f6fee19ec", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "chat", "verb": "train", "kind": "fake", "summary": "plays 2 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"emit": {"kind": "ready", "address": "http://127.0.0.1:1"}}, {"sleep": 300}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": true, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:5b080cc5402e11414b6f62f98e632982963877c95691895b2ad6200763ca76a7", "provenance": {}}], "digest": "sha256:2626e3abf57708a16ac7446d72c399ffdce610196babe762fc6f3efc5c0a54e9"}','','[]','{"compiler_version":"test","digest":"sha256:2626e3abf57708a16ac7446d72c399ffdce610196babe762fc6f3efc5c0a54e9","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"served","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:ed1c62d5501d70fedbbbcedf3abdea3d717ffae2e84b0f86d1f3af6f6fee19ec","steps":[{"digest":"sha256:5b080cc5402e11414b6f62f98e632982963877c95691895b2ad6200763ca76a7","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"chat","needs":[],"not_executable":null,"parameters":{"script":[{"emit":{"address":"http://127.0.0.1:1","kind":"ready"}},{"sleep":300}]},"provenance":{},"service":true,"summary":"plays 2 acts","verb":"train"}]}','sha256:2626e3abf57708a16ac7446d72c399ffdce610196babe762fc6f3efc5c0a54e9',NULL,'sha256:d2bb4af17340e8951c183fb5a73c0d33c0edcbf0946b60b3e9d2f759df023e81',NULL,'succeeded',4,NULL,'',NULL,10,1795338927749,1795338927753,1795338928390,'default','root','','b7ec3ba8af32499c8b209ff3c9018ad9');
INSERT INTO "runs" VALUES(7,'20261122-091528-f709','rests','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "rests", "profile": null, "sets": [], "spec_digest": "sha256:122f71c01e45a29bd4aa334e6abe405a806af9dface4b24fdb6e6022bbef06ff", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 1 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"wait_for_pause": true}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:e2605b63d3b7df577b76d7972f4a92bdeb144335ea8f56e72082a3287569ce63", "provenance": {}}], "digest": "sha256:8c0b6ba509ed40c40e0f55b6ff67ad7c2e0388a0a4f20e05725bd9c5521cee05"}','','[]','{"compiler_version":"test","digest":"sha256:8c0b6ba509ed40c40e0f55b6ff67ad7c2e0388a0a4f20e05725bd9c5521cee05","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"rests","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:122f71c01e45a29bd4aa334e6abe405a806af9dface4b24fdb6e6022bbef06ff","steps":[{"digest":"sha256:e2605b63d3b7df577b76d7972f4a92bdeb144335ea8f56e72082a3287569ce63","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"wait_for_pause":true}]},"provenance":{},"service":false,"summary":"plays 1 acts","verb":"train"}]}','sha256:8c0b6ba509ed40c40e0f55b6ff67ad7c2e0388a0a4f20e05725bd9c5521cee05',NULL,'sha256:9ddbabf1155ceadf230ec5bb32d8d6b1edb22e73fcf67df23a341d1819b63538',NULL,'paused',5,NULL,'','{"reason": "PAUSE_WANTED", "message": "ops asked for it: maintenance", "help": "go on with `tunewright resume`", "step": ""}',10,1795338928933,1795338928957,NULL,'default','root','','763b912ef7dc47d8a97f940797644a79');
CREATE TABLE steps (
  run TEXT NOT NULL REFERENCES runs (id),
  name TEXT NOT NULL,
  position INTEGER NOT NULL,
  verb TEXT NOT NULL,
  kind TEXT NOT NULL,
  summary TEXT NOT NULL,
  needs TEXT NOT NULL,
  digest TEXT NOT NULL,
  service INTEGER NOT NULL,
  retries INTEGER NOT NULL,
  action TEXT NOT NULL,
  because TEXT NOT NULL,
  state TEXT NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0,
  artifact TEXT,
  reused_from TEXT,
  failure TEXT,
  verdict TEXT,
  address TEXT,
  not_before INTEGER,
  start_time INTEGER,
  end_time INTEGER,
  PRIMARY KEY (run, name)
) STRICT;
INSERT INTO "steps" VALUES('20261122-091520-23c3','sft',0,'train','fake','plays 2 acts','[]','sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6',0,1,'create','','succeeded',1,'sha256:168385a4f0834fbfab8c5dd58267c9c461af351ba2c556339d5a3f7fa6fd01cf',NULL,NULL,NULL,NULL,NULL,1795338920857,1795338922356);
INSERT INTO "steps" VALUES('20261122-091520-23c3','exam',1,'train','fake','plays 2 acts','["sft"]','sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76',0,1,'create','','succeeded',1,'sha256:ebace88fc75879df75d74d53f9526ec105fa8e42bfea51470d95d11f9b56a0a8',NULL,NULL,NULL,NULL,NULL,1795338922360,1795338923707);
INSERT INTO "steps" VALUES('20261122-091520-23c3','gate',2,'gate','gate','exam.s.m >= 0.1','["exam"]','sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7',0,1,'create','','succeeded',0,NULL,NULL,NULL,'{"passed": true, "requirements": [{"written": "exam.s.m >= 0.1", "evaluated": "exam.s.m 0.500 >= 0.1", "passed": true}]}',NULL,NULL,1795338923716,1795338923716);
INSERT INTO "steps" VALUES('20261122-091523-dc46','sft',0,'train','fake','plays 2 acts','[]','sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6',0,1,'reuse','','reused',0,'sha256:168385a4f0834fbfab8c5dd58267c9c461af351ba2c556339d5a3f7fa6fd01cf','20261122-091520-23c3',NULL,NULL,NULL,NULL,1795338923782,1795338923782);
INSERT INTO "steps" VALUES('20261122-091523-dc46','exam',1,'train','fake','plays 2 acts','["sft"]','sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76',0,1,'reuse','','reused',0,'sha256:ebace88fc75879df75d74d53f9526ec105fa8e42bfea51470d95d11f9b56a0a8','20261122-091520-23c3',NULL,NULL,NULL,NULL,1795338923809,1795338923809);
INSERT INTO "steps" VALUES('20261122-091523-dc46','gate',2,'gate','gate','exam.s.m >= 0.1','["exam"]','sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7',0,1,'reuse','','reused',0,NULL,'20261122-091520-23c3',NULL,'{"passed": true, "requirements": [{"written": "exam.s.m >= 0.1", "evaluated": "exam.s.m 0.500 >= 0.1", "passed": true}]}',NULL,NULL,1795338923908,1795338923908);
INSERT INTO "steps" VALUES('20261122-091523-4ae1','sft',0,'train','fake','plays 1 acts','[]','sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf',0,1,'create','','failed',1,NULL,NULL,'{"reason": "FAILED", "message": "the work failed", "help": "", "step": "sft"}',NULL,NULL,NULL,1795338923921,1795338925731);
INSERT INTO "steps" VALUES('20261122-091525-bfb9','sft',0,'train','fake','plays 1 acts','[]','sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf',0,1,'rerun','its result is not at hand (the step did not finish, or was cleaned up)','failed',1,NULL,NULL,'{"reason": "FAILED", "message": "the work failed", "help": "", "step": "sft"}',NULL,NULL,NULL,1795338925763,1795338927281);
INSERT INTO "steps" VALUES('20261122-091527-9a4a','sft',0,'train','fake','plays 1 acts','[]','sha256:7d2a4d9cd59a9c0f24579405a76bf2880fe342872a5fb4f67f0a2bd8f8e24de1',0,1,'create','','cancelled',1,NULL,NULL,NULL,NULL,NULL,NULL,1795338927305,1795338927724);
INSERT INTO "steps" VALUES('20261122-091527-25a0','chat',0,'train','fake','plays 2 acts','[]','sha256:5b080cc5402e11414b6f62f98e632982963877c95691895b2ad6200763ca76a7',1,1,'create','','succeeded',1,NULL,NULL,NULL,NULL,'http://127.0.0.1:1',NULL,1795338927753,1795338928390);
INSERT INTO "steps" VALUES('20261122-091528-f709','sft',0,'train','fake','plays 1 acts','[]','sha256:e2605b63d3b7df577b76d7972f4a92bdeb144335ea8f56e72082a3287569ce63',0,1,'create','','paused',1,NULL,NULL,'{"reason": "PAUSE_WANTED", "message": "somebody asked for it", "help": "", "step": "sft"}',NULL,NULL,NULL,1795338928957,NULL);
CREATE TABLE store (
  id TEXT PRIMARY KEY
) STRICT;
INSERT INTO "store" VALUES('9fffbd8870298659');
CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  digest TEXT NOT NULL UNIQUE,
  grants TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  expire_time INTEGER NOT NULL,
  revoke_time INTEGER,
  revoked_by TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE verdicts (
  id INTEGER PRIMARY KEY,
  step_digest TEXT NOT NULL,
  run TEXT NOT NULL REFERENCES runs (id),
  step TEXT NOT NULL,
  verdict TEXT NOT NULL,
  create_time INTEGER NOT NULL
, project TEXT NOT NULL DEFAULT 'default') STRICT;
INSERT INTO "verdicts" VALUES(1,'sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7','20261122-091520-23c3','gate','{"passed": true, "requirements": [{"written": "exam.s.m >= 0.1", "evaluated": "exam.s.m 0.500 >= 0.1", "passed": true}]}',1795338923716,'default');
CREATE INDEX runs_by_name ON runs (spec_name, number);
CREATE INDEX runs_active ON runs (state) WHERE state NOT IN ('succeeded', 'failed', 'cancelled');
CREATE INDEX steps_active ON steps (state) WHERE state IN ('starting', 'running', 'cancelling');
CREATE INDEX artifacts_by_step_digest ON artifacts (step_digest, id);
CREATE INDEX artifacts_by_digest ON artifacts (digest, id);
CREATE INDEX verdicts_by_step_digest ON verdicts (step_digest, id);
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_have_no_gaps BEFORE INSERT ON events
WHEN NEW.sequence <> (SELECT last_sequence FROM runs WHERE id = NEW.run)
BEGIN SELECT RAISE(ABORT, 'an event must take the next sequence of its run'); END;
CREATE TRIGGER sequences_grow_by_one BEFORE UPDATE OF last_sequence ON runs
WHEN NEW.last_sequence <> OLD.last_sequence + 1
BEGIN SELECT RAISE(ABORT, 'sequences grow by one'); END;
CREATE TRIGGER ended_runs_stay_ended BEFORE UPDATE OF state ON runs
WHEN OLD.state IN ('succeeded', 'failed', 'cancelled') AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'the run has ended'); END;
CREATE TRIGGER ended_steps_stay_ended BEFORE UPDATE OF state ON steps
WHEN OLD.state IN ('succeeded', 'reused', 'failed', 'cancelled', 'skipped') AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'the step has ended'); END;
CREATE TRIGGER ended_deployments_stay_ended BEFORE UPDATE OF state ON deployments
WHEN OLD.state IN ('stopped', 'failed') AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'the deployment has ended'); END;
CREATE UNIQUE INDEX runs_by_request ON runs (project, request) WHERE request IS NOT NULL;
CREATE INDEX runs_by_project ON runs (project, number);
CREATE INDEX artifacts_by_project ON artifacts (project, id);
CREATE TRIGGER access_log_is_never_changed BEFORE UPDATE ON access_log
BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END;
CREATE TRIGGER access_log_is_never_removed BEFORE DELETE ON access_log
BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END;
CREATE UNIQUE INDEX one_revision_at_a_time ON deployments (name) WHERE state IN ('live', 'restarting', 'stopping');
CREATE UNIQUE INDEX one_hold_at_a_time ON holds (subject) WHERE release_time IS NULL;
CREATE INDEX collected_by_subject ON collected (subject, kind);
CREATE TRIGGER holds_are_never_removed BEFORE DELETE ON holds
BEGIN SELECT RAISE(ABORT, 'holds are released, not removed'); END;
CREATE TRIGGER holds_stay_released BEFORE UPDATE ON holds
WHEN OLD.release_time IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'the hold was released'); END;
CREATE TRIGGER collected_is_never_changed BEFORE UPDATE ON collected
BEGIN SELECT RAISE(ABORT, 'what was collected is append-only'); END;
CREATE TRIGGER collected_is_never_removed BEFORE DELETE ON collected
BEGIN SELECT RAISE(ABORT, 'what was collected is append-only'); END;
CREATE TRIGGER machine_log_is_never_changed BEFORE UPDATE ON machine_log
BEGIN SELECT RAISE(ABORT, 'the log of the machine is append-only'); END;
CREATE TRIGGER machine_log_is_never_removed BEFORE DELETE ON machine_log
BEGIN SELECT RAISE(ABORT, 'the log of the machine is append-only'); END;
CREATE INDEX runs_by_state ON runs (state, project, create_time);
CREATE INDEX steps_by_state ON steps (state, kind);
CREATE INDEX attempts_by_outcome ON attempts (outcome) WHERE outcome IS NOT NULL;
DELETE FROM "sqlite_sequence";
COMMIT;
