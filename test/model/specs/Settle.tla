------------------------------- MODULE Settle -------------------------------
(* Publish, confirm, settle: one task from publish() to its end.

   What the code does: lib/brokers/amqp/publishing (a publish resolves for its
   confirm; what is unconfirmed when a connection goes is sent again under the
   same uuid), lib/worker/settler.ts and lib/worker/task-endings.ts (first what
   must be published, confirmed; then the record; then the acknowledgement).

   Each message is one copy of the task at the server. Messages are numbered in
   the order in which they were sent. A process that died is the same as one
   whose lines were cut and that forgets; another takes its name. *)
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS
  Workers,
  MaxMessages,
  MaxAttempts,
  MaxFaults,
  Mistake      \* "none", or what is done wrong on purpose

VARIABLES
  message,     \* what became of each message
  used,        \* so many were sent
  told,        \* what the caller of publish() knows
  run,         \* what each worker runs
  ended,       \* the messages whose end each worker has recorded
  kept,        \* the record of the task: the outcome, and whose
  faults

vars == <<message, used, told, run, ended, kept, faults>>

Publisher == "publisher"
Nobody == "nobody"
Senders == Workers \cup {Publisher}
Ids == 1..MaxMessages

Unused == [kind |-> "unused", attempt |-> 0, sender |-> Nobody, cause |-> 0, at |-> "nowhere", holder |-> Nobody, confirm |-> "none", disk |-> FALSE]
Idle == [of |-> 0, phase |-> "idle", next |-> 0]
Nothing == [outcome |-> "none", by |-> Nobody, attempt |-> 0]

Init ==
  /\ message = [i \in Ids |-> Unused]
  /\ used = 0
  /\ told = "waiting"
  /\ run = [w \in Workers |-> Idle]
  /\ ended = [w \in Workers |-> {}]
  /\ kept = Nothing
  /\ faults = 0

----------------------------------------------------------------------------
(* Publishing, and what the server does with it. *)

Sent(sender, kind, attempt, cause) ==
  [kind |-> kind, attempt |-> attempt, sender |-> sender, cause |-> cause, at |-> "sending", holder |-> Nobody, confirm |-> "none", disk |-> FALSE]

Send(sender, kind, attempt, cause) ==
  /\ used < MaxMessages
  /\ used' = used + 1
  /\ message' = [message EXCEPT ![used + 1] = Sent(sender, kind, attempt, cause)]

(* The first time, and again when nobody will ever confirm what was sent. *)
Publish ==
  /\ told = "waiting"
  /\ \A i \in 1..used : message[i].sender = Publisher => message[i].confirm = "never"
  /\ Send(Publisher, "task", 1, 0)
  /\ UNCHANGED <<told, run, ended, kept, faults>>

Accept ==
  /\ told = "waiting"
  /\ \E i \in 1..used : message[i].sender = Publisher /\ (message[i].confirm = "known" \/ Mistake = "accept-unconfirmed")
  /\ told' = "accepted"
  /\ UNCHANGED <<message, used, run, ended, kept, faults>>

(* publish() has a limit of time: what becomes of the task then is not known. *)
GiveUp ==
  /\ told = "waiting"
  /\ told' = "rejected"
  /\ UNCHANGED <<message, used, run, ended, kept, faults>>

Arrive(i) ==
  /\ message[i].at = "sending"
  /\ message' = [message EXCEPT ![i].at = "queued"]
  /\ UNCHANGED <<used, told, run, ended, kept, faults>>

(* Of a connection that is gone, what was on its way may be lost with it. *)
Vanish(i) ==
  /\ message[i].at = "sending" /\ message[i].confirm = "never"
  /\ message' = [message EXCEPT ![i].at = "lost"]
  /\ UNCHANGED <<used, told, run, ended, kept, faults>>

Confirm(i) ==
  /\ message[i].at \in {"queued", "held", "acking", "acked"} /\ message[i].confirm = "none"
  /\ message' = [message EXCEPT ![i].confirm = "coming", ![i].disk = TRUE]
  /\ UNCHANGED <<used, told, run, ended, kept, faults>>

Learn(i) ==
  /\ message[i].confirm = "coming"
  /\ message' = [message EXCEPT ![i].confirm = "known"]
  /\ UNCHANGED <<used, told, run, ended, kept, faults>>

----------------------------------------------------------------------------
(* A worker. *)

Deliver(w, i) ==
  /\ message[i].kind = "task" /\ message[i].at = "queued"
  /\ message' = [message EXCEPT ![i].at = "held", ![i].holder = w]
  /\ UNCHANGED <<used, told, run, ended, kept, faults>>

Begin(w, i) ==
  /\ run[w] = Idle
  /\ message[i].at = "held" /\ message[i].holder = w /\ i \notin ended[w]
  /\ run' = [run EXCEPT ![w] = [of |-> i, phase |-> "running", next |-> 0]]
  /\ UNCHANGED <<message, used, told, ended, kept, faults>>

(* The outcome is decided; it is to be kept, or the next message to be sent, first. *)
Succeed(w) ==
  /\ run[w].phase = "running"
  /\ run' = [run EXCEPT ![w].phase = "succeeding"]
  /\ UNCHANGED <<message, used, told, ended, kept, faults>>

(* A first attempt may fail, and the last one buries it. Sent again where nobody will confirm. *)
SendNext(w) ==
  LET i == run[w].of
      fresh == run[w].phase = "running"
      again == run[w].phase = "sending" /\ message[run[w].next].confirm = "never" /\ Mistake # "never-sent-again"
      next == IF message[i].attempt < MaxAttempts THEN [kind |-> "task", attempt |-> message[i].attempt + 1]
              ELSE [kind |-> "dead", attempt |-> message[i].attempt]
  IN /\ fresh \/ again
     /\ Send(w, next.kind, next.attempt, i)
     /\ run' = [run EXCEPT ![w].phase = "sending", ![w].next = used + 1]
     /\ UNCHANGED <<told, ended, kept, faults>>

(* A retry is no end of the task: nothing is kept of it. *)
Retried(w) ==
  LET next == message[run[w].next] IN
  /\ run[w].phase = "sending" /\ next.kind = "task" /\ next.confirm = "known"
  /\ ended' = [ended EXCEPT ![w] = @ \cup {run[w].of}]
  /\ run' = [run EXCEPT ![w] = Idle]
  /\ UNCHANGED <<message, used, told, kept, faults>>

(* The first end is the end. *)
Keep(w) ==
  LET outcome == IF run[w].phase = "succeeding" THEN "succeeded" ELSE "failed"
      record == [outcome |-> outcome, by |-> w, attempt |-> message[run[w].of].attempt]
  IN /\ \/ run[w].phase = "succeeding"
        \/ run[w].phase = "sending" /\ message[run[w].next].kind = "dead"
           /\ (message[run[w].next].confirm = "known" \/ Mistake = "record-before-burial")
     /\ kept' = IF kept = Nothing \/ Mistake = "record-overwritten" THEN record ELSE kept
     /\ ended' = [ended EXCEPT ![w] = @ \cup {run[w].of}]
     /\ run' = [run EXCEPT ![w] = Idle]
     /\ UNCHANGED <<message, used, told, faults>>

(* Also of what came back although its end was recorded here: then the acknowledgement had come too late. *)
MayAck(w, i) ==
  \/ i \in ended[w]
  \/ Mistake = "ack-before-confirm" /\ run[w].of = i /\ run[w].phase = "sending"
  \/ Mistake = "ack-before-record" /\ run[w].of = i /\ run[w].phase = "succeeding"

Ack(w, i) ==
  /\ message[i].at = "held" /\ message[i].holder = w
  /\ MayAck(w, i)
  /\ message' = [message EXCEPT ![i].at = "acking"]
  /\ UNCHANGED <<used, told, run, ended, kept, faults>>

(* A worker that ends, or has no slot for it, gives it back. *)
GiveBack(w, i) ==
  /\ message[i].at = "held" /\ message[i].holder = w /\ i \notin ended[w]
  /\ message' = [message EXCEPT ![i].at = "queued", ![i].holder = Nobody]
  /\ run' = [run EXCEPT ![w] = IF @.of = i /\ @.phase = "running" THEN Idle ELSE @]
  /\ UNCHANGED <<used, told, ended, kept, faults>>

AckArrives(i) ==
  /\ message[i].at = "acking"
  /\ message' = [message EXCEPT ![i].at = "acked", ![i].holder = Nobody]
  /\ UNCHANGED <<used, told, run, ended, kept, faults>>

(* It was on its way when the line was cut. *)
AckLost(i) ==
  /\ message[i].at = "acking" /\ message[i].holder = Nobody
  /\ message' = [message EXCEPT ![i].at = "queued"]
  /\ UNCHANGED <<used, told, run, ended, kept, faults>>

(* What the server has written to its disk, a crash does not bring back. *)
Forget(i) ==
  /\ message[i].at = "acked"
  /\ message' = [message EXCEPT ![i].at = "gone"]
  /\ UNCHANGED <<used, told, run, ended, kept, faults>>

----------------------------------------------------------------------------
(* Faults. *)

PublishingCut(m, s) == [i \in Ids |-> IF m[i].sender = s /\ m[i].confirm \in {"none", "coming"} THEN [m[i] EXCEPT !.confirm = "never"] ELSE m[i]]

ConsumingCut(m, w) == [i \in Ids |->
  CASE m[i].at = "held" /\ m[i].holder = w -> [m[i] EXCEPT !.at = "queued", !.holder = Nobody]
    [] m[i].at = "acking" /\ m[i].holder = w -> [m[i] EXCEPT !.holder = Nobody]
    [] OTHER -> m[i]]

Fault == faults < MaxFaults /\ faults' = faults + 1

CutPublishing(s) ==
  /\ Fault
  /\ message' = PublishingCut(message, s)
  /\ UNCHANGED <<used, told, run, ended, kept>>

(* The run goes on: nobody can stop it, and its end is recorded all the same. *)
CutConsuming(w) ==
  /\ Fault
  /\ message' = ConsumingCut(message, w)
  /\ UNCHANGED <<used, told, run, ended, kept>>

Die(w) ==
  /\ Fault
  /\ message' = ConsumingCut(PublishingCut(message, w), w)
  /\ run' = [run EXCEPT ![w] = Idle]
  /\ ended' = [ended EXCEPT ![w] = {}]
  /\ UNCHANGED <<used, told, kept>>

(* What was not on its disk may be gone, and what was acknowledged may be back. *)
Crashed(m, lost, back) == [i \in Ids |->
  LET cut == [m[i] EXCEPT !.confirm = IF @ \in {"none", "coming"} THEN "never" ELSE @, !.holder = Nobody] IN
  CASE i \in lost -> [cut EXCEPT !.at = "lost"]
    [] m[i].at = "held" \/ i \in back -> [cut EXCEPT !.at = "queued", !.disk = TRUE]
    [] m[i].at = "queued" -> [cut EXCEPT !.disk = TRUE]
    [] OTHER -> cut]

CrashServer ==
  /\ Fault
  /\ \E lost \in SUBSET {i \in Ids : message[i].at \in {"queued", "held", "acking"} /\ ~message[i].disk} :
     \E back \in SUBSET {i \in Ids : message[i].at = "acked"} :
       message' = Crashed(message, lost, back)
  /\ UNCHANGED <<used, told, run, ended, kept>>

----------------------------------------------------------------------------

Work ==
  \/ Publish \/ Accept
  \/ \E i \in Ids : Arrive(i) \/ Confirm(i) \/ Learn(i) \/ AckArrives(i)
  \/ \E w \in Workers : (\E i \in Ids : Deliver(w, i) \/ Begin(w, i) \/ Ack(w, i)) \/ Succeed(w) \/ SendNext(w) \/ Retried(w) \/ Keep(w)

Chance == GiveUp \/ \E i \in Ids : Vanish(i) \/ AckLost(i) \/ Forget(i)

Faults == CrashServer \/ (\E s \in Senders : CutPublishing(s)) \/ (\E w \in Workers : CutConsuming(w) \/ Die(w))

Next == Work \/ Chance \/ Faults

(* Whatever can go on does so in the end; faults and chance may be, and need not. *)
Fair ==
  /\ WF_vars(Publish) /\ WF_vars(Accept)
  /\ \A i \in Ids : WF_vars(Arrive(i)) /\ WF_vars(Confirm(i)) /\ WF_vars(Learn(i)) /\ WF_vars(AckArrives(i) \/ AckLost(i))
                    /\ WF_vars(\E w \in Workers : Deliver(w, i))
  /\ \A w \in Workers : WF_vars(\E i \in Ids : Begin(w, i)) /\ WF_vars(Succeed(w) \/ SendNext(w)) /\ WF_vars(Retried(w) \/ Keep(w))
                        /\ WF_vars(\E i \in Ids : Ack(w, i))

Spec == Init /\ [][Next]_vars /\ Fair

----------------------------------------------------------------------------
(* What users pay for. *)

IsThere(i) == message[i].at \in {"queued", "held"} /\ (message[i].kind = "task" \/ message[i].kind = "dead")

(* Accepted means kept: it waits, runs, is a dead letter, or has succeeded. Forgetting an acknowledgement only adds to that. *)
AcceptedIsKept == told = "accepted" => (kept.outcome = "succeeded" \/ \E i \in Ids : IsThere(i))

(* Settled last: whatever was acknowledged has its record, or the server has what follows from it for good. *)
SettledLast == \A i \in Ids : message[i].at \in {"acking", "acked", "gone"} =>
  kept # Nothing \/ \E j \in Ids : message[j].cause = i /\ message[j].disk

(* A failure is told only once its dead letter is there. *)
FailureIsBuried == kept.outcome = "failed" => \E i \in Ids : message[i].kind = "dead" /\ message[i].disk

(* The record of a task that has ended stays as it is. *)
RecordStays == [][kept # Nothing => kept' = kept]_kept

(* What was accepted ends, unless the bound of the model was reached. *)
Ends == (told = "accepted") ~> (kept # Nothing \/ used = MaxMessages)
=============================================================================
