// SPDX-License-Identifier: Apache-2.0

#if NIO
internal import NIOCore

/// Puts the head of an answer together from the pieces in which it comes.
///
/// Interim answers are passed over, and nothing of them is kept: a peer that sends nothing else until
/// the deadline costs no more than one head that is not complete.
struct AnswerReader {
  /// What stands behind the answer that was read last, or the part of one that has come.
  private(set) var rest = ByteBuffer()
  /// So many bytes of `rest` hold no end of a head.
  private var scanned = 0

  mutating func append(_ bytes: ByteBuffer) {
    scanned = rest.readableBytes
    guard scanned > 0 else {
      rest = bytes
      return
    }
    var bytes = bytes
    rest.writeBuffer(&bytes)
  }

  /// Reads the next answer that is no interim one; nil if its head is not complete.
  mutating func next() throws(ResponseHead.Malformed) -> ResponseHead? {
    while let head = try parse() {
      rest.moveReaderIndex(forwardBy: head.size)
      scanned = 0
      if !(100..<200).contains(head.status) || head.status == 101 { return head }
    }
    // Writing behind bytes that were read would grow the buffer without end.
    rest.discardReadBytes()
    return nil
  }

  private func parse() throws(ResponseHead.Malformed) -> ResponseHead? {
    try rest.withUnsafeReadableBytes { bytes throws(ResponseHead.Malformed) in
      try ResponseHead(bytes, scanned: scanned)
    }
  }
}
#endif
