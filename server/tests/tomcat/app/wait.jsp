<%@ page session="false" contentType="text/plain; charset=UTF-8" trimDirectiveWhitespaces="true" %><%
// A request that takes ms; then says whether its session is still there.
HttpSession s = request.getSession(false);
Thread.sleep(Integer.parseInt(request.getParameter("ms")));
try {
    s.setAttribute("farm.waited", true);
    out.print("there");
} catch (IllegalStateException e) {
    out.print("ended meanwhile");
}
%>
