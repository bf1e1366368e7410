"""Recorded CAN traces: one canonical form inside, one module per file format.

`read_trace` reads a file into a `Trace`: columns of time, channel, identifier, flags, length and
data. `stream_trace` gives the same columns block by block, in memory that does not grow with the
file. Text is read natively; a line that the native reader is not sure about goes to a careful
path, which understands it or refuses it: `TraceStream.careful` counts them. BLF is read natively
too; an object that is not understood is damage. So are sorted MF4 files with records of fixed
length; asammdf reads the others, whole and column-wise.

Rules
-----
What decides the format
    The content. A suffix that says otherwise is reported (``suffix``), and a file that fits no
    format is refused with a sentence that quotes its beginning. Any format may be gzipped.
Every record counts
    A record of the file is delivered, or counted in a `Problem` with ``is_left_out``;
    `Trace.records` is the sum. A line that is neither frame nor known event is refused with its
    number and text. What holds nothing to deliver (headers, comments) is counted as well:
    `TraceStream.met` is ``records + plain``.
Time
    Integer microseconds, rounded to nearest, counted from where the file counts: its own start, or
    1970 where stamps are Unix time. `Trace.start_utc_us` is the first frame in UTC. It is None
    where the file gives local time without a zone (ASC, BLF, TRC) or the clock was never set
    (before 1990); `Trace.start_text` keeps what the file says. Negative times are kept.
Backward time
    The columns keep stamps as recorded, and the steps are reported (``backward_time``).
    `Trace.frames` delivers such a frame at the largest time so far: order in the file is the order
    on the bus. A single stamp far in the future therefore holds all later frames there; the longest
    gap of `d7xr info` shows it.
Equal time
    Is normal (clocks of 1 ms or 1 s) and not reported; order in the file is kept.
Error, remote and FD frames
    Are delivered in the columns with their flag. `Trace.frames` holds classic data frames only and
    `Trace.left_out` counts the rest.
Channels
    Numbers from 0. Names (candump interfaces) are numbered by first appearance. Numbers count from
    1 in files and from 0 here; a file that itself uses channel 0 keeps its numbers.
    `Trace.channel_names` has the file's own spelling. A trace of several channels gives frames only
    for a chosen one.
Empty files
    A file without bytes, or without a single CAN frame, is refused.
Files cut short
    Text: a last line without line end that is no whole record is reported (``cut_short``) and left
    out; one that looks whole is delivered and reported (``no_line_end``), since a candump line may
    have lost its last bytes. BLF: whole objects before the cut are delivered. MF4: a file that its
    logger never closed is read up to its last whole record (``unfinished``, ``cut_short``); one
    without its tables is refused. gzip: refused, the beginning of a broken stream proves nothing.
Damage in the middle
    Is refused, with line, container or byte.
"""

from d7xr.trace.formats import FORMATS, Format
from d7xr.trace.model import Problem, Trace
from d7xr.trace.reader import read_trace
from d7xr.trace.stream import TraceStream, stream_trace

__all__ = [
    "FORMATS",
    "Format",
    "Problem",
    "Trace",
    "TraceStream",
    "read_trace",
    "stream_trace",
]
