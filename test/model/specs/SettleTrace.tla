----------------------------- MODULE SettleTrace -----------------------------
(* Whether recorded runs are behaviours of Settle: of each trace every line is a
   step that the specification allows there; between two lines it may take steps
   that nobody can see on the wire. The module Recorded is made of the traces. *)
EXTENDS Settle, Sequences, Recorded

VARIABLES
  trace,       \* the number of the trace
  line,        \* its next line
  deliveries   \* which message each delivery was, by its number

traceVars == <<trace, line, deliveries>>

RecordedWorkers == RecordedNames \ {Publisher}

ASSUME \A t \in DOMAIN Traces : TLCSet(t, 0)

TraceInit ==
  /\ Init
  /\ trace \in DOMAIN Traces
  /\ line = 1
  /\ deliveries = <<>>

Now == Traces[trace][line]

Seen ==
  \/ Now.what = "publish" /\ Now.by = Publisher /\ Publish /\ UNCHANGED deliveries
  \/ Now.what = "publish" /\ Now.by # Publisher /\ SendNext(Now.by) /\ UNCHANGED deliveries
     /\ message'[used'].kind = Now.kind /\ message'[used'].attempt = Now.attempt
  \/ Now.what = "confirm" /\ Now.number \in Ids /\ Confirm(Now.number) /\ UNCHANGED deliveries
  \/ Now.what = "accepted" /\ Accept /\ UNCHANGED deliveries
  \/ Now.what = "deliver" /\ \E i \in Ids : Deliver(Now.by, i) /\ message[i].attempt = Now.attempt /\ deliveries' = Append(deliveries, i)
  \/ Now.what = "kept" /\ kept = Nothing /\ Keep(Now.by) /\ kept'.outcome = Now.outcome /\ UNCHANGED deliveries
  \/ Now.what = "ack" /\ Now.number \in DOMAIN deliveries /\ \E w \in Workers : Ack(w, deliveries[Now.number]) /\ UNCHANGED deliveries
  \/ Now.what = "back" /\ Now.number \in DOMAIN deliveries /\ \E w \in Workers : GiveBack(w, deliveries[Now.number]) /\ UNCHANGED deliveries
  \/ Now.what = "publishing-cut" /\ CutPublishing(Now.by) /\ UNCHANGED deliveries
  \/ Now.what = "consuming-cut" /\ CutConsuming(Now.by) /\ UNCHANGED deliveries

(* Of a task that has ended before, the record is read, and not written. *)
Unseen ==
  \/ \E i \in Ids : Arrive(i) \/ Vanish(i) \/ Learn(i) \/ AckArrives(i) \/ AckLost(i)
  \/ \E w \in Workers : Succeed(w) \/ Retried(w) \/ (kept # Nothing /\ Keep(w)) \/ \E i \in Ids : Begin(w, i)

TraceNext ==
  /\ line <= Len(Traces[trace])
  /\ \/ Seen /\ line' = line + 1 /\ UNCHANGED trace
     \/ Unseen /\ UNCHANGED traceVars

TraceSpec == TraceInit /\ [][TraceNext]_<<vars, traceVars>>

(* Says how far each trace was followed; one that was followed past its last line is accepted. *)
Followed == IF line > TLCGet(trace) THEN TLCSet(trace, line) /\ PrintT(<<"followed", trace, line>>) ELSE TRUE
=============================================================================
