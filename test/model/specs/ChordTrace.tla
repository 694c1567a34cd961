----------------------------- MODULE ChordTrace ------------------------------
(* Whether recorded runs are behaviours of Chord, chord by chord; see
   SettleTrace. What the specification calls a process is here the delivery of a
   member in the hands of one, and two slots for whoever runs the callback. *)
EXTENDS Chord, Sequences, Recorded

VARIABLES
  trace,       \* the number of the trace
  line         \* its next line

traceVars == <<trace, line>>

Callers == {"caller"}
RecordedProcesses == RecordedNames \cup Callers
RecordedMembers == {"0", "1", "2"}

ASSUME \A t \in DOMAIN Traces : TLCSet(t, 0)

TraceInit == Init /\ trace \in DOMAIN Traces /\ line = 1

Now == Traces[trace][line]

Seen ==
  \/ Now.what = "begin" /\ Begin(Now.by, Now.member)
  \/ Now.what = "added" /\ entries[work[Now.by].on] = 0 /\ Add(Now.by)
  \/ Now.what = "call" /\ \E p \in RecordedNames : Call(p)
  \/ Now.what = "confirm" /\ copy[Now.copy].sender \in RecordedNames /\ Arrive(Now.copy)
  \/ Now.what = "ack" /\ work[Now.by].on # Nobody /\ Ack(Now.by)
  \/ Now.what = "died" /\ Die(Now.by)
  (* The process that ran it is dead where the same copy runs again: its slot is taken up by the next. *)
  \/ Now.what = "run" /\ Now.copy \in Copies /\ \E p \in Callers : Run(p, Now.copy)
  \/ Now.what = "done" /\ \E p \in Callers : Finish(p)

(* What has been added before is not written again. A publish whose process died may have arrived. Values are not looked at: of two the first will do. *)
Unseen ==
  \/ \E p \in RecordedNames : (Return(p) /\ work'[p].value = 1) \/ Collect(p) \/ (work[p].phase = "adding" /\ entries[work[p].on] # 0 /\ Add(p))
  \/ \E c \in Copies : copy[c].sender # Nobody /\ work[copy[c].sender].phase = "idle" /\ Arrive(c)
  \/ \E p \in Callers : work[p].phase = "callback" /\ Die(p)

TraceNext ==
  /\ line <= Len(Traces[trace])
  /\ \/ Seen /\ line' = line + 1 /\ UNCHANGED trace
     \/ Unseen /\ UNCHANGED traceVars

TraceSpec == TraceInit /\ [][TraceNext]_<<vars, traceVars>>

Followed == IF line > TLCGet(trace) THEN TLCSet(trace, line) /\ PrintT(<<"followed", trace, line>>) ELSE TRUE
=============================================================================
