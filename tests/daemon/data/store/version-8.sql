PRAGMA application_id = 1416982117;
PRAGMA user_version = 8;
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
CREATE TABLE alert_conditions (
  run TEXT NOT NULL REFERENCES runs (id),
  rule TEXT NOT NULL,
  figures TEXT NOT NULL,
  holds INTEGER NOT NULL,
  PRIMARY KEY (run, rule)
) STRICT, WITHOUT ROWID;
CREATE TABLE alert_triggers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  FOREIGN KEY (run, sequence) REFERENCES events (run, sequence)
) STRICT;
INSERT INTO "alert_triggers" VALUES(9,'20261122-094642-1760',10);
CREATE TABLE alerts (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  sink TEXT NOT NULL,
  project TEXT NOT NULL,
  spec_name TEXT NOT NULL,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  kind TEXT NOT NULL,
  severity TEXT NOT NULL,
  rule TEXT NOT NULL,
  message TEXT NOT NULL,
  reason TEXT NOT NULL,
  help TEXT NOT NULL,
  fold TEXT NOT NULL,
  tally TEXT NOT NULL,
  body TEXT,
  state TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  problem TEXT NOT NULL DEFAULT '',
  not_before INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  last_time INTEGER NOT NULL,
  end_time INTEGER
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
INSERT INTO "artifacts" VALUES(1,'sha256:168385a4f0834fbfab8c5dd58267c9c461af351ba2c556339d5a3f7fa6fd01cf','sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6','model','fake','20261122-094636-186f','sft','good',1,1,1795340797004,'default');
INSERT INTO "artifacts" VALUES(2,'sha256:ebace88fc75879df75d74d53f9526ec105fa8e42bfea51470d95d11f9b56a0a8','sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76','evaluation','fake','20261122-094636-186f','exam','good',17,1,1795340797551,'default');
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
INSERT INTO "attempts" VALUES('20261122-094636-186f','sft',1,293,3,'model',NULL,'SUCCEEDED',1795340796113,1795340797004,1);
INSERT INTO "attempts" VALUES('20261122-094636-186f','exam',1,298,3,'evaluation',NULL,'SUCCEEDED',1795340797011,1795340797551,1);
INSERT INTO "attempts" VALUES('20261122-094637-d36b','sft',1,100,1,NULL,NULL,'FAILED',1795340797589,1795340798422,1);
INSERT INTO "attempts" VALUES('20261122-094638-e830','sft',1,100,1,NULL,NULL,'FAILED',1795340798435,1795340800211,1);
INSERT INTO "attempts" VALUES('20261122-094640-6214','sft',1,0,0,NULL,NULL,'CANCELLED',1795340800257,1795340801048,1);
INSERT INTO "attempts" VALUES('20261122-094641-c1fe','chat',1,197,2,NULL,'http://127.0.0.1:1',NULL,1795340801094,NULL,1);
INSERT INTO "attempts" VALUES('20261122-094642-1760','sft',1,475,3,NULL,NULL,'PAUSE_WANTED',1795340802340,1795340803754,1);
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
INSERT INTO "deployments" VALUES(1,'served-chat',1,'served','20261122-094641-c1fe','chat',1,'sha256:5b080cc5402e11414b6f62f98e632982963877c95691895b2ad6200763ca76a7','stopped','now','http://127.0.0.1:1',NULL,1795340801774,1795340802301,'default',0,NULL,1795340801774);
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
INSERT INTO "events" VALUES('20261122-094636-186f',1,1795340796110,'',0,'run_created','{"name":"good","plan_digest":"sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f","steps":[{"action":"create","step":"sft"},{"action":"create","step":"exam"},{"action":"create","step":"gate"}]}','root');
INSERT INTO "events" VALUES('20261122-094636-186f',2,1795340796113,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-094636-186f',3,1795340796113,'sft',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-094636-186f',4,1795340796252,'sft',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-094636-186f',5,1795340796708,'sft',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-094636-186f',6,1795340796708,'sft',1,'artifact','{"path":".","role":"model"}','daemon');
INSERT INTO "events" VALUES('20261122-094636-186f',7,1795340796708,'sft',1,'phase','{"name":"done","seconds":0}','daemon');
INSERT INTO "events" VALUES('20261122-094636-186f',8,1795340797004,'sft',1,'step_succeeded','{"artifact":"sha256:168385a4f0834fbfab8c5dd58267c9c461af351ba2c556339d5a3f7fa6fd01cf","bytes":1,"files":1,"peak_memory_bytes":19349504,"seconds":0.362}','daemon');
INSERT INTO "events" VALUES('20261122-094636-186f',9,1795340797011,'exam',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-094636-186f',10,1795340797126,'exam',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-094636-186f',11,1795340797365,'exam',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-094636-186f',12,1795340797366,'exam',1,'artifact','{"path":".","role":"evaluation"}','daemon');
INSERT INTO "events" VALUES('20261122-094636-186f',13,1795340797366,'exam',1,'phase','{"name":"done","seconds":0}','daemon');
INSERT INTO "events" VALUES('20261122-094636-186f',14,1795340797551,'exam',1,'step_succeeded','{"artifact":"sha256:ebace88fc75879df75d74d53f9526ec105fa8e42bfea51470d95d11f9b56a0a8","bytes":17,"files":1,"peak_memory_bytes":19333120,"seconds":0.3}','daemon');
INSERT INTO "events" VALUES('20261122-094636-186f',15,1795340797553,'gate',0,'gate_evaluated','{"passed":true,"requirements":[{"evaluated":"exam.s.m 0.500 >= 0.1","passed":true,"written":"exam.s.m >= 0.1"}]}','daemon');
INSERT INTO "events" VALUES('20261122-094636-186f',16,1795340797553,'gate',0,'step_succeeded','{}','daemon');
INSERT INTO "events" VALUES('20261122-094636-186f',17,1795340797553,'',0,'run_succeeded','{}','daemon');
INSERT INTO "events" VALUES('20261122-094637-7e36',1,1795340797565,'',0,'run_created','{"name":"good","plan_digest":"sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f","steps":[{"action":"reuse","step":"sft"},{"action":"reuse","step":"exam"},{"action":"reuse","step":"gate"}]}','root');
INSERT INTO "events" VALUES('20261122-094637-7e36',2,1795340797570,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-094637-7e36',3,1795340797570,'sft',0,'step_reused','{"artifact":"sha256:168385a4f0834fbfab8c5dd58267c9c461af351ba2c556339d5a3f7fa6fd01cf","source_run":"20261122-094636-186f"}','daemon');
INSERT INTO "events" VALUES('20261122-094637-7e36',4,1795340797573,'exam',0,'step_reused','{"artifact":"sha256:ebace88fc75879df75d74d53f9526ec105fa8e42bfea51470d95d11f9b56a0a8","source_run":"20261122-094636-186f"}','daemon');
INSERT INTO "events" VALUES('20261122-094637-7e36',5,1795340797574,'gate',0,'step_reused','{"source_run":"20261122-094636-186f"}','daemon');
INSERT INTO "events" VALUES('20261122-094637-7e36',6,1795340797574,'',0,'run_succeeded','{}','daemon');
INSERT INTO "events" VALUES('20261122-094637-d36b',1,1795340797586,'',0,'run_created','{"name":"bad","plan_digest":"sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb","steps":[{"action":"create","step":"sft"}]}','root');
INSERT INTO "events" VALUES('20261122-094637-d36b',2,1795340797589,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-094637-d36b',3,1795340797589,'sft',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-094637-d36b',4,1795340797696,'sft',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-094637-d36b',5,1795340798196,'sft',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-094637-d36b',6,1795340798422,'sft',1,'step_failed','{"help":"","message":"the work failed","reason":"FAILED"}','daemon');
INSERT INTO "events" VALUES('20261122-094637-d36b',7,1795340798422,'',0,'run_failed','{"help":"","message":"the work failed","reason":"FAILED","step":"sft"}','daemon');
INSERT INTO "events" VALUES('20261122-094638-e830',1,1795340798429,'',0,'run_created','{"name":"bad","plan_digest":"sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb","retry_of":"20261122-094637-d36b","steps":[{"action":"rerun","because":"its result is not at hand (the step did not finish, or was cleaned up)","step":"sft"}]}','root');
INSERT INTO "events" VALUES('20261122-094638-e830',2,1795340798435,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-094638-e830',3,1795340798435,'sft',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-094638-e830',4,1795340798541,'sft',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-094638-e830',5,1795340799796,'sft',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-094638-e830',6,1795340800212,'sft',1,'step_failed','{"help":"","message":"the work failed","reason":"FAILED"}','daemon');
INSERT INTO "events" VALUES('20261122-094638-e830',7,1795340800212,'',0,'run_failed','{"help":"","message":"the work failed","reason":"FAILED","step":"sft"}','daemon');
INSERT INTO "events" VALUES('20261122-094640-6214',1,1795340800238,'',0,'run_created','{"name":"stopped","plan_digest":"sha256:91242452f89c99421f1aa58a396ea14b94e00570bf04e6dbf2f0d16b8e4c3666","steps":[{"action":"create","step":"sft"}]}','root');
INSERT INTO "events" VALUES('20261122-094640-6214',2,1795340800257,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-094640-6214',3,1795340800257,'sft',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-094640-6214',4,1795340800280,'',0,'run_cancelling','{"mode":"now","reason":"enough"}','root');
INSERT INTO "events" VALUES('20261122-094640-6214',5,1795340800280,'sft',1,'step_cancelling','{"mode":"now"}','root');
INSERT INTO "events" VALUES('20261122-094640-6214',6,1795340801049,'sft',1,'step_cancelled','{}','daemon');
INSERT INTO "events" VALUES('20261122-094640-6214',7,1795340801049,'',0,'run_cancelled','{}','daemon');
INSERT INTO "events" VALUES('20261122-094641-c1fe',1,1795340801071,'',0,'run_created','{"name":"served","plan_digest":"sha256:2626e3abf57708a16ac7446d72c399ffdce610196babe762fc6f3efc5c0a54e9","steps":[{"action":"create","step":"chat"}]}','root');
INSERT INTO "events" VALUES('20261122-094641-c1fe',2,1795340801094,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-094641-c1fe',3,1795340801094,'chat',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-094641-c1fe',4,1795340801244,'chat',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-094641-c1fe',5,1795340801753,'chat',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-094641-c1fe',6,1795340801753,'chat',1,'ready','{"address":"http://127.0.0.1:1"}','daemon');
INSERT INTO "events" VALUES('20261122-094641-c1fe',7,1795340801774,'chat',1,'step_succeeded','{"address":"http://127.0.0.1:1"}','daemon');
INSERT INTO "events" VALUES('20261122-094641-c1fe',8,1795340801774,'',0,'run_succeeded','{}','daemon');
INSERT INTO "events" VALUES('20261122-094641-c1fe',9,1795340801783,'chat',1,'deployment_stopping','{"deployment":"served-chat","mode":"now","revision":1}','root');
INSERT INTO "events" VALUES('20261122-094641-c1fe',10,1795340802301,'chat',1,'deployment_stopped','{"deployment":"served-chat","revision":1}','daemon');
INSERT INTO "events" VALUES('20261122-094642-1760',1,1795340802319,'',0,'run_created','{"name":"rests","plan_digest":"sha256:8c0b6ba509ed40c40e0f55b6ff67ad7c2e0388a0a4f20e05725bd9c5521cee05","steps":[{"action":"create","step":"sft"}]}','root');
INSERT INTO "events" VALUES('20261122-094642-1760',2,1795340802340,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-094642-1760',3,1795340802340,'sft',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-094642-1760',4,1795340802355,'',0,'run_pausing','{"by":"ops","reason":"maintenance"}','root');
INSERT INTO "events" VALUES('20261122-094642-1760',5,1795340802376,'sft',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-094642-1760',6,1795340803523,'sft',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-094642-1760',7,1795340803524,'sft',1,'checkpoint','{"digest":"sha256:7777777777777777777777777777777777777777777777777777777777777777","path":"work/checkpoints/checkpoint-7","step":7}','daemon');
INSERT INTO "events" VALUES('20261122-094642-1760',8,1795340803524,'sft',1,'paused','{"checkpoint":"checkpoint-7","help":"","message":"somebody asked for it","reason":"PAUSE_WANTED"}','daemon');
INSERT INTO "events" VALUES('20261122-094642-1760',9,1795340803754,'sft',1,'step_paused','{"help":"","message":"somebody asked for it","reason":"PAUSE_WANTED"}','daemon');
INSERT INTO "events" VALUES('20261122-094642-1760',10,1795340803754,'',0,'run_paused','{"help":"go on with `tunewright resume`","message":"ops asked for it: maintenance","reason":"PAUSE_WANTED","step":""}','daemon');
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
INSERT INTO "requests" VALUES('default','07c9f46f554249a6805e92902064f99c','sha256:2ad20d2a9bb9cdfdc6a07b909b681b35a934b2ecb8ede264e6590291ccb4c47b','runs/20261122-094640-6214',1795340800284);
INSERT INTO "requests" VALUES('default','302bd78abdbc486689ea1df1eb8e2830','sha256:959f0f18c92be3affda7e288c11f348365cf033a3ba58bbb6b2b577f7eeb5ee8','runs/20261122-094642-1760',1795340802356);
INSERT INTO "requests" VALUES('default','a3494b68e87c461b8009f53d45b8c5ab','sha256:1c207e04661c9b1bd5cecfc2975323815095807e29b6d1122e4c0c12fb567f5c','deployments/served-chat',1795340801783);
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
, project TEXT NOT NULL DEFAULT 'default', actor TEXT NOT NULL DEFAULT '', policy_digest TEXT NOT NULL DEFAULT '', request TEXT, watched INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "runs" VALUES(1,'20261122-094636-186f','good','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "good", "profile": null, "sets": [], "spec_digest": "sha256:d3acc91467a03907038203981d201a771f028912376c8a64c777f29468a55760", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 2 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"write": {"path": "outputs/m", "text": "x"}}, {"emit": {"kind": "artifact", "role": "model", "path": "."}}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6", "provenance": {}}, {"name": "exam", "verb": "train", "kind": "fake", "summary": "plays 2 acts", "needs": ["sft"], "inputs": {"from_sft": {"role": "model", "step": "sft", "path": null, "digest": null}}, "parameters": {"script": [{"write": {"path": "outputs/metrics.json", "text": "{\"s\": {\"m\": 0.5}}"}}, {"emit": {"kind": "artifact", "role": "evaluation", "path": "."}}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76", "provenance": {}}, {"name": "gate", "verb": "gate", "kind": "gate", "summary": "exam.s.m >= 0.1", "needs": ["exam"], "inputs": {}, "parameters": {}, "launch": null, "gate": {"require": ["exam.s.m >= 0.1"], "on_fail": "stop"}, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 10.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7", "provenance": {}}], "digest": "sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f"}','','[]','{"compiler_version":"test","digest":"sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"good","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:d3acc91467a03907038203981d201a771f028912376c8a64c777f29468a55760","steps":[{"digest":"sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"write":{"path":"outputs/m","text":"x"}},{"emit":{"kind":"artifact","path":".","role":"model"}}]},"provenance":{},"service":false,"summary":"plays 2 acts","verb":"train"},{"digest":"sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{"from_sft":{"digest":null,"path":null,"role":"model","step":"sft"}},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"exam","needs":["sft"],"not_executable":null,"parameters":{"script":[{"write":{"path":"outputs/metrics.json","text":"{\"s\": {\"m\": 0.5}}"}},{"emit":{"kind":"artifact","path":".","role":"evaluation"}}]},"provenance":{},"service":false,"summary":"plays 2 acts","verb":"train"},{"digest":"sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":{"on_fail":"stop","require":["exam.s.m >= 0.1"]},"identity":{},"inputs":{},"kind":"gate","launch":null,"limits":{"grace_seconds":10,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"gate","needs":["exam"],"not_executable":null,"parameters":{},"provenance":{},"service":false,"summary":"exam.s.m >= 0.1","verb":"gate"}]}','sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f',NULL,'sha256:172d1873bcebab876323684621c7a10fcd5f4a4de863210bbc2aece5cb579310',NULL,'succeeded',8,NULL,'',NULL,17,1795340796110,1795340796113,1795340797553,'default','root','','first',0);
INSERT INTO "runs" VALUES(2,'20261122-094637-7e36','good','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "good", "profile": null, "sets": [], "spec_digest": "sha256:d3acc91467a03907038203981d201a771f028912376c8a64c777f29468a55760", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 2 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"write": {"path": "outputs/m", "text": "x"}}, {"emit": {"kind": "artifact", "role": "model", "path": "."}}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6", "provenance": {}}, {"name": "exam", "verb": "train", "kind": "fake", "summary": "plays 2 acts", "needs": ["sft"], "inputs": {"from_sft": {"role": "model", "step": "sft", "path": null, "digest": null}}, "parameters": {"script": [{"write": {"path": "outputs/metrics.json", "text": "{\"s\": {\"m\": 0.5}}"}}, {"emit": {"kind": "artifact", "role": "evaluation", "path": "."}}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76", "provenance": {}}, {"name": "gate", "verb": "gate", "kind": "gate", "summary": "exam.s.m >= 0.1", "needs": ["exam"], "inputs": {}, "parameters": {}, "launch": null, "gate": {"require": ["exam.s.m >= 0.1"], "on_fail": "stop"}, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 10.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7", "provenance": {}}], "digest": "sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f"}','','[]','{"compiler_version":"test","digest":"sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"good","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:d3acc91467a03907038203981d201a771f028912376c8a64c777f29468a55760","steps":[{"digest":"sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"write":{"path":"outputs/m","text":"x"}},{"emit":{"kind":"artifact","path":".","role":"model"}}]},"provenance":{},"service":false,"summary":"plays 2 acts","verb":"train"},{"digest":"sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{"from_sft":{"digest":null,"path":null,"role":"model","step":"sft"}},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"exam","needs":["sft"],"not_executable":null,"parameters":{"script":[{"write":{"path":"outputs/metrics.json","text":"{\"s\": {\"m\": 0.5}}"}},{"emit":{"kind":"artifact","path":".","role":"evaluation"}}]},"provenance":{},"service":false,"summary":"plays 2 acts","verb":"train"},{"digest":"sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":{"on_fail":"stop","require":["exam.s.m >= 0.1"]},"identity":{},"inputs":{},"kind":"gate","launch":null,"limits":{"grace_seconds":10,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"gate","needs":["exam"],"not_executable":null,"parameters":{},"provenance":{},"service":false,"summary":"exam.s.m >= 0.1","verb":"gate"}]}','sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f',NULL,'sha256:172d1873bcebab876323684621c7a10fcd5f4a4de863210bbc2aece5cb579310',NULL,'succeeded',4,NULL,'',NULL,6,1795340797565,1795340797570,1795340797574,'default','root','','f397d46a0af7451f9d3a3d82c950cea7',0);
INSERT INTO "runs" VALUES(3,'20261122-094637-d36b','bad','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "bad", "profile": null, "sets": [], "spec_digest": "sha256:cbfeda2b1f044ccca4ea9dac0fe08a34af201914e29adf982262f1d735d08996", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 1 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"exit": 1}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf", "provenance": {}}], "digest": "sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb"}','','[]','{"compiler_version":"test","digest":"sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"bad","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:cbfeda2b1f044ccca4ea9dac0fe08a34af201914e29adf982262f1d735d08996","steps":[{"digest":"sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"exit":1}]},"provenance":{},"service":false,"summary":"plays 1 acts","verb":"train"}]}','sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb',NULL,'sha256:8ae29e42385bc1fc6f5b5b9196769064d942f8854410af54b5677ae5de1b69ca',NULL,'failed',4,NULL,'','{"reason": "FAILED", "message": "the work failed", "help": "", "step": "sft"}',7,1795340797586,1795340797589,1795340798422,'default','root','','77cb9dffa7864f599ce961c8d198dbd1',0);
INSERT INTO "runs" VALUES(4,'20261122-094638-e830','bad','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "bad", "profile": null, "sets": [], "spec_digest": "sha256:cbfeda2b1f044ccca4ea9dac0fe08a34af201914e29adf982262f1d735d08996", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 1 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"exit": 1}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf", "provenance": {}}], "digest": "sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb"}','','[]','{"compiler_version":"test","digest":"sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"bad","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:cbfeda2b1f044ccca4ea9dac0fe08a34af201914e29adf982262f1d735d08996","steps":[{"digest":"sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"exit":1}]},"provenance":{},"service":false,"summary":"plays 1 acts","verb":"train"}]}','sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb',NULL,'sha256:01f76b65678a5816764fc515031e475556377e3b9b897ea8cede94654ddb196e','20261122-094637-d36b','failed',4,NULL,'','{"reason": "FAILED", "message": "the work failed", "help": "", "step": "sft"}',7,1795340798429,1795340798435,1795340800212,'default','root','','second',0);
INSERT INTO "runs" VALUES(5,'20261122-094640-6214','stopped','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "stopped", "profile": null, "sets": [], "spec_digest": "sha256:15b0fb141b7672221ecefd53ca5a29ea042e3bc3bad9e08c11df0cebce279c2e", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 1 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"sleep": 300}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:7d2a4d9cd59a9c0f24579405a76bf2880fe342872a5fb4f67f0a2bd8f8e24de1", "provenance": {}}], "digest": "sha256:91242452f89c99421f1aa58a396ea14b94e00570bf04e6dbf2f0d16b8e4c3666"}','','[]','{"compiler_version":"test","digest":"sha256:91242452f89c99421f1aa58a396ea14b94e00570bf04e6dbf2f0d16b8e4c3666","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"stopped","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:15b0fb141b7672221ecefd53ca5a29ea042e3bc3bad9e08c11df0cebce279c2e","steps":[{"digest":"sha256:7d2a4d9cd59a9c0f24579405a76bf2880fe342872a5fb4f67f0a2bd8f8e24de1","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"sleep":300}]},"provenance":{},"service":false,"summary":"plays 1 acts","verb":"train"}]}','sha256:91242452f89c99421f1aa58a396ea14b94e00570bf04e6dbf2f0d16b8e4c3666',NULL,'sha256:c61ee29419c5a642c7b9d6a102214ef48342921557eed07cec0aabfb798b7157',NULL,'cancelled',4,'now','enough',NULL,7,1795340800238,1795340800257,1795340801049,'default','root','','920a5d37023e408fa6a79c3aa08a756c',0);
INSERT INTO "runs" VALUES(6,'20261122-094641-c1fe','served','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "served", "profile": null, "sets": [], "spec_digest": "sha256:ed1c62d5501d70fedbbbcedf3abdea3d717ffae2e84b0f86d1f3af6f6fee19ec", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "chat", "verb": "train", "kind": "fake", "summary": "plays 2 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"emit": {"kind": "ready", "address": "http://127.0.0.1:1"}}, {"sleep": 300}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": true, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:5b080cc5402e11414b6f62f98e632982963877c95691895b2ad6200763ca76a7", "provenance": {}}], "digest": "sha256:2626e3abf57708a16ac7446d72c399ffdce610196babe762fc6f3efc5c0a54e9"}','','[]','{"compiler_version":"test","digest":"sha256:2626e3abf57708a16ac7446d72c399ffdce610196babe762fc6f3efc5c0a54e9","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"served","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:ed1c62d5501d70fedbbbcedf3abdea3d717ffae2e84b0f86d1f3af6f6fee19ec","steps":[{"digest":"sha256:5b080cc5402e11414b6f62f98e632982963877c95691895b2ad6200763ca76a7","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"chat","needs":[],"not_executable":null,"parameters":{"script":[{"emit":{"address":"http://127.0.0.1:1","kind":"ready"}},{"sleep":300}]},"provenance":{},"service":true,"summary":"plays 2 acts","verb":"train"}]}','sha256:2626e3abf57708a16ac7446d72c399ffdce610196babe762fc6f3efc5c0a54e9',NULL,'sha256:d2bb4af17340e8951c183fb5a73c0d33c0edcbf0946b60b3e9d2f759df023e81',NULL,'succeeded',4,NULL,'',NULL,10,1795340801071,1795340801094,1795340801774,'default','root','','6dde79728e364a17866eb54e244ad4b8',0);
INSERT INTO "runs" VALUES(7,'20261122-094642-1760','rests','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "rests", "profile": null, "sets": [], "spec_digest": "sha256:122f71c01e45a29bd4aa334e6abe405a806af9dface4b24fdb6e6022bbef06ff", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 1 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"wait_for_pause": true}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:e2605b63d3b7df577b76d7972f4a92bdeb144335ea8f56e72082a3287569ce63", "provenance": {}}], "digest": "sha256:8c0b6ba509ed40c40e0f55b6ff67ad7c2e0388a0a4f20e05725bd9c5521cee05"}','','[]','{"compiler_version":"test","digest":"sha256:8c0b6ba509ed40c40e0f55b6ff67ad7c2e0388a0a4f20e05725bd9c5521cee05","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"rests","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:122f71c01e45a29bd4aa334e6abe405a806af9dface4b24fdb6e6022bbef06ff","steps":[{"digest":"sha256:e2605b63d3b7df577b76d7972f4a92bdeb144335ea8f56e72082a3287569ce63","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"wait_for_pause":true}]},"provenance":{},"service":false,"summary":"plays 1 acts","verb":"train"}]}','sha256:8c0b6ba509ed40c40e0f55b6ff67ad7c2e0388a0a4f20e05725bd9c5521cee05',NULL,'sha256:9ddbabf1155ceadf230ec5bb32d8d6b1edb22e73fcf67df23a341d1819b63538',NULL,'paused',5,NULL,'','{"reason": "PAUSE_WANTED", "message": "ops asked for it: maintenance", "help": "go on with `tunewright resume`", "step": ""}',10,1795340802319,1795340802340,NULL,'default','root','','ec88ae821c5f4d208adf816387809c0d',0);
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
INSERT INTO "steps" VALUES('20261122-094636-186f','sft',0,'train','fake','plays 2 acts','[]','sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6',0,1,'create','','succeeded',1,'sha256:168385a4f0834fbfab8c5dd58267c9c461af351ba2c556339d5a3f7fa6fd01cf',NULL,NULL,NULL,NULL,NULL,1795340796113,1795340797004);
INSERT INTO "steps" VALUES('20261122-094636-186f','exam',1,'train','fake','plays 2 acts','["sft"]','sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76',0,1,'create','','succeeded',1,'sha256:ebace88fc75879df75d74d53f9526ec105fa8e42bfea51470d95d11f9b56a0a8',NULL,NULL,NULL,NULL,NULL,1795340797011,1795340797551);
INSERT INTO "steps" VALUES('20261122-094636-186f','gate',2,'gate','gate','exam.s.m >= 0.1','["exam"]','sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7',0,1,'create','','succeeded',0,NULL,NULL,NULL,'{"passed": true, "requirements": [{"written": "exam.s.m >= 0.1", "evaluated": "exam.s.m 0.500 >= 0.1", "passed": true}]}',NULL,NULL,1795340797553,1795340797553);
INSERT INTO "steps" VALUES('20261122-094637-7e36','sft',0,'train','fake','plays 2 acts','[]','sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6',0,1,'reuse','','reused',0,'sha256:168385a4f0834fbfab8c5dd58267c9c461af351ba2c556339d5a3f7fa6fd01cf','20261122-094636-186f',NULL,NULL,NULL,NULL,1795340797570,1795340797570);
INSERT INTO "steps" VALUES('20261122-094637-7e36','exam',1,'train','fake','plays 2 acts','["sft"]','sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76',0,1,'reuse','','reused',0,'sha256:ebace88fc75879df75d74d53f9526ec105fa8e42bfea51470d95d11f9b56a0a8','20261122-094636-186f',NULL,NULL,NULL,NULL,1795340797573,1795340797573);
INSERT INTO "steps" VALUES('20261122-094637-7e36','gate',2,'gate','gate','exam.s.m >= 0.1','["exam"]','sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7',0,1,'reuse','','reused',0,NULL,'20261122-094636-186f',NULL,'{"passed": true, "requirements": [{"written": "exam.s.m >= 0.1", "evaluated": "exam.s.m 0.500 >= 0.1", "passed": true}]}',NULL,NULL,1795340797574,1795340797574);
INSERT INTO "steps" VALUES('20261122-094637-d36b','sft',0,'train','fake','plays 1 acts','[]','sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf',0,1,'create','','failed',1,NULL,NULL,'{"reason": "FAILED", "message": "the work failed", "help": "", "step": "sft"}',NULL,NULL,NULL,1795340797589,1795340798422);
INSERT INTO "steps" VALUES('20261122-094638-e830','sft',0,'train','fake','plays 1 acts','[]','sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf',0,1,'rerun','its result is not at hand (the step did not finish, or was cleaned up)','failed',1,NULL,NULL,'{"reason": "FAILED", "message": "the work failed", "help": "", "step": "sft"}',NULL,NULL,NULL,1795340798435,1795340800212);
INSERT INTO "steps" VALUES('20261122-094640-6214','sft',0,'train','fake','plays 1 acts','[]','sha256:7d2a4d9cd59a9c0f24579405a76bf2880fe342872a5fb4f67f0a2bd8f8e24de1',0,1,'create','','cancelled',1,NULL,NULL,NULL,NULL,NULL,NULL,1795340800257,1795340801049);
INSERT INTO "steps" VALUES('20261122-094641-c1fe','chat',0,'train','fake','plays 2 acts','[]','sha256:5b080cc5402e11414b6f62f98e632982963877c95691895b2ad6200763ca76a7',1,1,'create','','succeeded',1,NULL,NULL,NULL,NULL,'http://127.0.0.1:1',NULL,1795340801094,1795340801774);
INSERT INTO "steps" VALUES('20261122-094642-1760','sft',0,'train','fake','plays 1 acts','[]','sha256:e2605b63d3b7df577b76d7972f4a92bdeb144335ea8f56e72082a3287569ce63',0,1,'create','','paused',1,NULL,NULL,'{"reason": "PAUSE_WANTED", "message": "somebody asked for it", "help": "", "step": "sft"}',NULL,NULL,NULL,1795340802340,NULL);
CREATE TABLE store (
  id TEXT PRIMARY KEY
) STRICT;
INSERT INTO "store" VALUES('709cf1fcd6fd8a35');
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
, certificate TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE verdicts (
  id INTEGER PRIMARY KEY,
  step_digest TEXT NOT NULL,
  run TEXT NOT NULL REFERENCES runs (id),
  step TEXT NOT NULL,
  verdict TEXT NOT NULL,
  create_time INTEGER NOT NULL
, project TEXT NOT NULL DEFAULT 'default') STRICT;
INSERT INTO "verdicts" VALUES(1,'sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7','20261122-094636-186f','gate','{"passed": true, "requirements": [{"written": "exam.s.m >= 0.1", "evaluated": "exam.s.m 0.500 >= 0.1", "passed": true}]}',1795340797553,'default');
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
CREATE INDEX alerts_pending ON alerts (sink, number, not_before) WHERE state = 'pending';
CREATE INDEX alerts_by_fold ON alerts (sink, fold, number);
CREATE INDEX alerts_by_time ON alerts (sink, create_time);
CREATE TRIGGER delivered_alerts_stay_delivered BEFORE UPDATE OF state ON alerts
WHEN OLD.state = 'delivered' AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'the alert was delivered'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('alert_triggers',9);
COMMIT;
