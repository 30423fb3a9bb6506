// SPDX-License-Identifier: Apache-2.0

#if NIO
internal import NIOCore

/// The nonce of one upgrade, and what proves that a server has read it (RFC 6455, 4.1 and 4.2.2).
struct UpgradeKey {
  private static let size = 24
  private static let acceptSize = 28

  private let nonce: UInt128

  init(_ entropy: inout Entropy) { nonce = entropy.next() }

  /// Writes what stands in `Sec-WebSocket-Key`.
  func write(to bytes: inout ByteBuffer) {
    bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.size) { room in
      encode(into: room)
      return Self.size
    }
  }

  private func encode(into room: UnsafeMutableRawBufferPointer) {
    withUnsafeBytes(of: nonce) { Base64.encode($0, into: room) }
  }

  /// Whether a `Sec-WebSocket-Accept` is the answer to this key.
  func isProven(by accept: String) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: Self.size, alignment: 1) { key in
      encode(into: key)
      return Self.withAccept(for: UnsafeRawBufferPointer(key)) { accept.utf8.elementsEqual($0) }
    }
  }

  /// `Sec-WebSocket-Accept` for a key as it stands in its header.
  static func accept(for key: String) -> String {
    Array(key.utf8).withUnsafeBytes { key in
      withAccept(for: key) { String(decoding: $0, as: UTF8.self) }
    }
  }

  /// Nothing of it touches the heap: each connection that is opened comes by here.
  private static func withAccept<Result>(
    for key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    let text = key.count + suffix.utf8CodeUnitCount
    let size = text + SHA1.size + acceptSize
    return withUnsafeTemporaryAllocation(byteCount: size, alignment: 1) { room in
      room.copyMemory(from: key)
      suffix.withUTF8Buffer { suffix in
        UnsafeMutableRawBufferPointer(rebasing: room[key.count..<text])
          .copyMemory(from: UnsafeRawBufferPointer(suffix))
      }
      let digest = UnsafeMutableRawBufferPointer(rebasing: room[text..<text + SHA1.size])
      SHA1.digest(UnsafeRawBufferPointer(rebasing: room[..<text]), into: digest)
      let accept = UnsafeMutableRawBufferPointer(rebasing: room[(text + SHA1.size)...])
      Base64.encode(UnsafeRawBufferPointer(digest), into: accept)
      return body(UnsafeRawBufferPointer(accept))
    }
  }

  private static let suffix: StaticString = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
}
#endif
