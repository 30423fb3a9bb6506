// SPDX-License-Identifier: Apache-2.0

#if NIO
internal import NIOCore
internal import NIOSSL

/// The tunnel of a proxy (CONNECT): asked for where the target's own bytes would begin.
extension NIODial {
  func tunnelRequest(_ proxy: NIOTransportConfiguration.Proxy) -> ByteBuffer {
    let authority = UpgradeRequest.authority(request.endpoint, alwaysWithPort: true)
    var bytes = ByteBuffer()
    bytes.writeString("CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\n")
    if let credentials = proxy.credentials {
      bytes.writeStaticString("Proxy-Authorization: Basic ")
      bytes.writeBytes(credentials.withUnsafeBytes { UpgradeRequest.base64($0) })
      bytes.writeStaticString("\r\n")
    }
    bytes.writeStaticString("\r\n")
    return bytes
  }

  func tunnelled(_ head: ResponseHead, rest: ByteBuffer) {
    guard (200..<300).contains(head.status) else {
      return fail(
        TransportError(
          .connectFailed, message: "the proxy answered with HTTP \(head.status)",
          httpStatus: head.status, retryAfter: head.wait))
    }
    guard rest.readableBytes == 0 else {
      return fail(.protocolViolation, "bytes came through the tunnel before we spoke")
    }
    do {
      secure()
      if let handler = try makeTLSHandler() {
        // Behind the answer that is being read: the handler must not see what is left of it.
        try connection?.context?.pipeline.syncOperations.addHandler(handler, position: .first)
      }
    } catch {
      fail(.tlsFailed, "the TLS handshake could not begin", error)
    }
  }
}
#endif
