-------------------------------- MODULE Chord --------------------------------
(* The count of a chord: its callback starts once, after its last member.

   What the code does: lib/workflows/workflow-driver.ts and workflow-store.ts. A
   member that has ended is added to a set in the shared state under its own
   name; the answer is how many are in it. Who is told that none is missing
   reads them all and publishes the callback, under a uuid that follows from the
   workflow, and only then acknowledges its own task. Whoever dies on the way,
   its task is delivered again, and does the same once more. So the callback may
   be published more than once: its copies are told apart by a claim under its
   uuid (lib/worker/gates/once), and one runs.

   Members may run twice, and end differently: what was added first counts. *)
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS
  Members,
  Processes,
  MaxCopies,
  MaxFaults,
  Mistake      \* "none", or what is done wrong on purpose

VARIABLES
  task,        \* of each member: where it is, who has it
  work,        \* what each process does
  entries,     \* in the shared state: what each member has ended with, 0 while it has not
  counted,     \* how often anything was added: what a count without names would be
  copy,        \* the copies of the callback: where each is, with which results
  used,
  claim,       \* of the callback
  runs,        \* how often a run of the callback was begun that no crash explains
  faults

vars == <<task, work, entries, counted, copy, used, claim, runs, faults>>

Nobody == "nobody"
Copies == 1..MaxCopies
Values == 1..2
Idle == [on |-> Nobody, phase |-> "idle", value |-> 0, sent |-> 0, results |-> <<>>]
NoCopy == [at |-> "nowhere", holder |-> Nobody, sender |-> Nobody, results |-> <<>>]

Init ==
  /\ task = [m \in Members |-> [at |-> "queued", holder |-> Nobody]]
  /\ work = [p \in Processes |-> Idle]
  /\ entries = [m \in Members |-> 0]
  /\ counted = 0
  /\ copy = [c \in Copies |-> NoCopy]
  /\ used = 0
  /\ claim = [state |-> "none", copy |-> 0]
  /\ runs = 0
  /\ faults = 0

----------------------------------------------------------------------------
(* A member. *)

Begin(p, m) ==
  /\ work[p].phase = "idle" /\ task[m].at = "queued"
  /\ task' = [task EXCEPT ![m] = [at |-> "held", holder |-> p]]
  /\ work' = [work EXCEPT ![p] = [Idle EXCEPT !.on = m, !.phase = "running"]]
  /\ UNCHANGED <<entries, counted, copy, used, claim, runs, faults>>

Return(p) ==
  /\ work[p].phase = "running"
  /\ \E v \in Values : work' = [work EXCEPT ![p].phase = "adding", ![p].value = v]
  /\ UNCHANGED <<task, entries, counted, copy, used, claim, runs, faults>>

Added(m, v) == IF entries[m] = 0 \/ Mistake = "entry-overwritten" THEN [entries EXCEPT ![m] = v] ELSE entries

Count(after) == IF Mistake = "count-without-names" THEN counted + 1 ELSE Cardinality({m \in Members : after[m] # 0})

(* Also whoever was not the first to add it: who was may have died since. *)
MayCollect(m) == entries[m] = 0 \/ Mistake # "called-only-by-who-added"

(* The answer says how many there are. *)
Add(p) ==
  LET after == Added(work[p].on, work[p].value) IN
  /\ work[p].phase = "adding"
  /\ entries' = after
  /\ counted' = IF Mistake = "count-without-names" THEN counted + 1 ELSE 0
  /\ work' = [work EXCEPT ![p].phase = IF Count(after) >= Cardinality(Members) /\ MayCollect(work[p].on) THEN "collecting" ELSE "done"]
  /\ UNCHANGED <<task, copy, used, claim, runs, faults>>

Collect(p) ==
  /\ work[p].phase = "collecting"
  /\ work' = [work EXCEPT ![p].phase = "calling", ![p].results = entries]
  /\ UNCHANGED <<task, entries, counted, copy, used, claim, runs, faults>>

(* Again, where the line was cut before it was confirmed. *)
Call(p) ==
  /\ used < MaxCopies
  /\ work[p].phase = "calling" \/ (work[p].phase = "sent" /\ copy[work[p].sent].at = "lost")
  /\ used' = used + 1
  /\ copy' = [copy EXCEPT ![used + 1] = [at |-> "sending", holder |-> Nobody, sender |-> p, results |-> work[p].results]]
  /\ work' = [work EXCEPT ![p].phase = "sent", ![p].sent = used + 1]
  /\ UNCHANGED <<task, entries, counted, claim, runs, faults>>

(* And is confirmed. *)
Arrive(c) ==
  /\ copy[c].at = "sending"
  /\ copy' = [copy EXCEPT ![c].at = "queued"]
  /\ UNCHANGED <<task, work, entries, counted, used, claim, runs, faults>>

Called(p) == work[p].phase = "sent" /\ copy[work[p].sent].at \notin {"sending", "lost"}

MayAck(p) ==
  \/ work[p].phase = "done"
  \/ Called(p)
  \/ Mistake = "ack-before-call" /\ work[p].phase \in {"collecting", "calling", "sent"}

Ack(p) ==
  /\ MayAck(p)
  /\ task' = [task EXCEPT ![work[p].on] = IF @.holder = p THEN [at |-> "acked", holder |-> Nobody] ELSE @]
  /\ work' = [work EXCEPT ![p] = Idle]
  /\ UNCHANGED <<entries, counted, copy, used, claim, runs, faults>>

----------------------------------------------------------------------------
(* The callback. *)

(* The claim of a copy that comes back is known by the name of that copy. *)
Run(p, c) ==
  /\ work[p].phase = "idle" /\ copy[c].at = "queued"
  /\ claim.state = "none" \/ (claim.state = "running" /\ claim.copy = c) \/ Mistake = "called-without-claim"
  /\ claim' = [state |-> "running", copy |-> c]
  /\ runs' = IF claim.copy = c /\ claim.state = "running" THEN runs ELSE runs + 1
  /\ copy' = [copy EXCEPT ![c].at = "held", ![c].holder = p]
  /\ work' = [work EXCEPT ![p] = [Idle EXCEPT !.phase = "callback", !.sent = c]]
  /\ UNCHANGED <<task, entries, counted, used, faults>>

Finish(p) ==
  /\ work[p].phase = "callback"
  /\ claim' = [claim EXCEPT !.state = "done"]
  /\ work' = [work EXCEPT ![p].phase = "called"]
  /\ UNCHANGED <<task, entries, counted, copy, used, runs, faults>>

AckCallback(p) ==
  /\ work[p].phase = "called"
  /\ copy' = [copy EXCEPT ![work[p].sent] = IF @.holder = p THEN [@ EXCEPT !.at = "acked", !.holder = Nobody] ELSE @]
  /\ work' = [work EXCEPT ![p] = Idle]
  /\ UNCHANGED <<task, entries, counted, used, claim, runs, faults>>

Drop(c) ==
  /\ copy[c].at = "queued" /\ claim.state = "done"
  /\ copy' = [copy EXCEPT ![c].at = "acked"]
  /\ UNCHANGED <<task, work, entries, counted, used, claim, runs, faults>>

----------------------------------------------------------------------------
(* Faults: what it held goes back, what it was sending may be lost. *)

Fault == faults < MaxFaults /\ faults' = faults + 1

Back(p) ==
  /\ task' = [m \in Members |-> IF task[m].holder = p THEN [at |-> "queued", holder |-> Nobody] ELSE task[m]]
  /\ \E lost \in SUBSET {c \in Copies : copy[c].at = "sending" /\ copy[c].sender = p} :
       copy' = [c \in Copies |->
         CASE c \in lost -> [copy[c] EXCEPT !.at = "lost"]
           [] copy[c].at = "held" /\ copy[c].holder = p -> [copy[c] EXCEPT !.at = "queued", !.holder = Nobody]
           [] OTHER -> copy[c]]
  /\ UNCHANGED <<entries, counted, used, claim, runs>>

(* Another takes its name. *)
Die(p) == Fault /\ Back(p) /\ work' = [work EXCEPT ![p] = Idle]

(* Its runs go on; their acknowledgements come too late. *)
Cut(p) == Fault /\ Back(p) /\ UNCHANGED work

(* The state has done it, and its answer is lost: it is asked again. *)
AnswerLost(p) ==
  LET after == Added(work[p].on, work[p].value) IN
  /\ Fault /\ work[p].phase = "adding"
  /\ entries' = after
  /\ counted' = IF Mistake = "count-without-names" THEN counted + 1 ELSE 0
  /\ UNCHANGED <<task, work, copy, used, claim, runs>>

----------------------------------------------------------------------------

WorkOf(p) ==
  \/ (\E m \in Members : Begin(p, m)) \/ Return(p) \/ Add(p) \/ Collect(p) \/ Call(p) \/ Ack(p)
  \/ (\E c \in Copies : Run(p, c)) \/ Finish(p) \/ AckCallback(p)

Next ==
  \/ \E p \in Processes : WorkOf(p) \/ Die(p) \/ Cut(p) \/ AnswerLost(p)
  \/ \E c \in Copies : Arrive(c) \/ Drop(c)

Fair == (\A p \in Processes : WF_vars(WorkOf(p))) /\ \A c \in Copies : WF_vars(Arrive(c)) /\ WF_vars(Drop(c))

Spec == Init /\ [][Next]_vars /\ Fair

----------------------------------------------------------------------------
(* What users pay for. *)

Called1 == {c \in Copies : copy[c].at # "nowhere"}

AfterTheLast == \A c \in Called1 : \A m \in Members : copy[c].results[m] # 0

(* Decided once: whoever publishes it, with the same results. *)
DecidedOnce == \A c, d \in Called1 : copy[c].results = copy[d].results

StartedOnce == runs <= 1

(* While a member can still come, or a copy is there, it is not lost. *)
NotLost ==
  \/ claim.state # "none"
  \/ \E m \in Members : task[m].at # "acked"
  \/ \E c \in Copies : copy[c].at \in {"queued", "held"}

Ends == <>(claim.state = "done" \/ used = MaxCopies)
=============================================================================
