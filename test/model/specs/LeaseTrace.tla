------------------------------ MODULE LeaseTrace -----------------------------
(* Whether recorded runs are behaviours of Lease, task by task; see SettleTrace. *)
EXTENDS Lease, Sequences, Recorded

VARIABLES
  trace,       \* the number of the trace
  line         \* its next line

traceVars == <<trace, line>>

ASSUME \A t \in DOMAIN Traces : TLCSet(t, 0)

TraceInit == Init /\ trace \in DOMAIN Traces /\ line = 1

Now == Traces[trace][line]

Seen ==
  \/ Now.what = "start" /\ Start(Now.by)
  \/ Now.what = "claimed" /\ WriteClaim(Now.by)
  \/ Now.what = "copy" /\ SendCopy(Now.by)
  \/ Now.what = "copied" /\ Now.copy \in Copies /\ Arrive(Now.copy)
  \/ Now.what = "ack" /\ (TakeOver(Now.by) \/ Settle(Now.by))
  \/ Now.what = "look" /\ Now.copy \in Copies /\ LookAgain(Now.by, Now.copy) /\ copy'[Now.copy].looks = Now.looks
  \/ Now.what = "inherit" /\ Now.copy \in Copies /\ Inherit(Now.by, Now.copy)
  \/ Now.what = "done" /\ Finish(Now.by) /\ claim' # claim
  \/ Now.what = "drop" /\ Now.copy \in Copies /\ Drop(Now.copy)
  \/ Now.what = "died" /\ Die(Now.by)

(* That a claim was renewed is a record too, but there are too many of them: when a process that lives did, TLC finds out. *)
Unseen == (\E p \in Processes : Renew(p)) \/ \E c \in Copies : Due(c)

TraceNext ==
  /\ line <= Len(Traces[trace])
  /\ \/ Seen /\ line' = line + 1 /\ UNCHANGED trace
     \/ Unseen /\ UNCHANGED traceVars

TraceSpec == TraceInit /\ [][TraceNext]_<<vars, traceVars>>

Followed == IF line > TLCGet(trace) THEN TLCSet(trace, line) /\ PrintT(<<"followed", trace, line>>) ELSE TRUE
=============================================================================
